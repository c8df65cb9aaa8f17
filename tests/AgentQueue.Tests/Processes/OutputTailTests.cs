using System.Text;
using AgentQueue.Processes;

namespace AgentQueue.Tests.Processes;

public sealed class OutputTailTests
{
    [Fact]
    public void The_last_bytes_are_kept_in_whatever_pieces_they_come()
    {
        var fate = new Random(1);
        for (var turn = 0; turn < 500; turn++)
        {
            var tail = new OutputTail(10);
            var all = new StringBuilder();
            for (var i = fate.Next(8); i > 0; i--)
            {
                var piece = new string((char)('a' + i), fate.Next(25));
                all.Append(piece);
                tail.Add(Encoding.ASCII.GetBytes(piece));
            }

            var text = all.ToString();
            Assert.Equal(text[Math.Max(text.Length - 10, 0)..], tail.ToString());
            Assert.Equal(text.Length > 10, tail.IsCut);
        }
    }

    [Fact]
    public void A_letter_that_was_cut_is_left_out()
    {
        var tail = new OutputTail(3);
        tail.Add("éé"u8);
        Assert.Equal("é", tail.ToString());
    }
}
