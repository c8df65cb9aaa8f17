using AgentQueue.Config;

namespace AgentQueue.Tests.Config;

public class JsonEditTests
{
    [Theory]
    [InlineData("{}", "a", "{\n  \"a\": 1\n}")]
    [InlineData("{ // c\n}", "a", "{ // c\n  \"a\": 1\n}")]
    [InlineData("{\"b\": 2}", "a", "{\"b\": 2,\n  \"a\": 1\n}")]
    [InlineData("{\n  \"b\": 2, // c\n}\n", "a", "{\n  \"b\": 2, // c\n  \"a\": 1\n}\n")]
    [InlineData("{\n  \"b\": 2 // , c\n}\n", "a", "{\n  \"b\": 2, // , c\n  \"a\": 1\n}\n")]
    [InlineData("{\r\n  \"b\": 2\r\n}", "a", "{\r\n  \"b\": 2,\r\n  \"a\": 1\r\n}")]
    [InlineData("{\"a\": [2, {}]}", "a", "{\"a\": 1}")]
    [InlineData("{\"ä\": {}}", "ä.b", "{\"ä\": {\n    \"b\": 1\n  }}")]
    [InlineData("{}", "a.b.c", "{\n  \"a\": {\n    \"b\": {\n      \"c\": 1\n    }\n  }\n}")]
    public void Setting_a_value_leaves_all_else_as_it_is(
        string text,
        string path,
        string expected
    ) => Assert.Equal(expected, JsonEdit.Set(text, path.Split('.'), "1", "f"));

    [Theory]
    [InlineData("{\"a\": 1}", "{}")]
    [InlineData("{\n  \"a\": 1\n}", "{\n}")]
    [InlineData("{\n  \"a\": 1,\n  \"b\": 2\n}", "{\n  \"b\": 2\n}")]
    [InlineData("{\n  \"b\": 2, // c\n  \"a\": 1\n}", "{\n  \"b\": 2 // c\n}")]
    [InlineData("{\n  \"b\": 2,\n  \"a\": 1,\n}", "{\n  \"b\": 2,\n}")]
    [InlineData("{\"a\": 1, \"b\": 2}", "{\"b\": 2}")]
    [InlineData("{\n  \"a\": 1, // of a\n  \"b\": 2\n}", "{\n  // of a\n  \"b\": 2\n}")]
    [InlineData("{\"b\": 2}", "{\"b\": 2}")]
    public void Removing_a_value_takes_its_comma_along(string text, string expected)
    {
        var result = JsonEdit.Remove(text, ["a"], "f");
        Assert.Equal(expected, result);
        Assert.NotNull(SourceValue.Parse(System.Text.Encoding.UTF8.GetBytes(result), out _));
    }

    [Fact]
    public void A_path_through_something_else_than_objects_is_refused() =>
        Assert.Equal(
            "f:2: a must be an object, not a number",
            Assert
                .Throws<QueueException>(() => JsonEdit.Set("{\n\"a\": 1}", ["a", "b"], "1", "f"))
                .Message
        );
}
