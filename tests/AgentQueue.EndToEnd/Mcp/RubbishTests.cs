using System.Text.Json.Nodes;

namespace AgentQueue.EndToEnd.Mcp;

/// <summary>What a broken or malicious client sends is refused, and nothing else suffers from it.</summary>
public sealed class RubbishTests
{
    // In MiB. A line of 8 MiB takes about 200 with all that is made of it, and nothing of it stays.
    private const int MostMemory = 512;

    [Fact]
    [Trait("Fault", "F28")]
    public void A_server_that_is_sent_rubbish_still_answers_and_ends_well() =>
        Fault.Inject(
            "F28",
            fault =>
            {
                using var box = McpBox.Open();
                box.Settings("\"fsync\": false");
                using var client = new StdioClient(box).Hello();
                var sent = 0;
                var last = "";
                foreach (
                    var (what, bytes) in new Rubbish(Fault.Seed).Messages(Fault.Count(600, 20_000))
                )
                {
                    last = what;
                    client.Send(bytes);
                    fault.Injected();
                    if (++sent % 50 == 0)
                    {
                        Answers(client, $"after {sent}, the last: {last}");
                    }
                }

                Answers(client, $"after all, the last: {last}");
                Assert.InRange(client.PeakMemory, 1, MostMemory);
                client.EndsWell();
                Eventually.Holds(() => box.Mine.Count == 0, "nothing is left of it");
            },
            seeded: true
        );

    private static void Answers(StdioClient client, string when)
    {
        Assert.False(client.HasEnded, when + client.Said);
        var list = client.Call("list", new JsonObject { ["limit"] = 1 });
        Assert.NotEqual(0, list.GetProperty("agents").GetArrayLength());
    }
}
