using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace AgentQueue.Config;

/// <summary>
/// Changes one value of a JSON text that a person keeps: comments, order and layout of all else stay.
/// The text must be JSON with an object at its root; every object on the path to the value is made if it
/// is missing.
/// </summary>
internal static class JsonEdit
{
    /// <param name="path">The names from the root down.</param>
    /// <param name="json">The new value, as JSON.</param>
    /// <exception cref="QueueException">The text is not such JSON, or the path leads through something else than objects.</exception>
    public static string Set(string text, ReadOnlySpan<string> path, string json, string shownAs)
    {
        var source = Source.Read(text, shownAs);
        var parent = source.Root;
        for (var depth = 1; ; depth++)
        {
            var name = path[depth - 1];
            var rest = path[depth..];
            if (parent.Members.FirstOrDefault(m => m.Name == name) is not { } member)
            {
                return source.Insert(
                    parent,
                    name,
                    Nested(rest, json, depth, source.NewLine),
                    depth
                );
            }

            if (rest.IsEmpty)
            {
                return source.Replace(member.Value.Start, member.Value.End, json);
            }

            parent = source.ObjectOf(member);
        }
    }

    /// <summary>Takes a member away, if it is there.</summary>
    /// <inheritdoc cref="Set"/>
    public static string Remove(string text, ReadOnlySpan<string> path, string shownAs)
    {
        var source = Source.Read(text, shownAs);
        var parent = source.Root;
        for (var depth = 1; ; depth++)
        {
            var name = path[depth - 1];
            if (parent.Members.FirstOrDefault(m => m.Name == name) is not { } member)
            {
                return text;
            }

            if (depth == path.Length)
            {
                return source.Remove(parent, parent.Members.IndexOf(member));
            }

            parent = source.ObjectOf(member);
        }
    }

    private static string Nested(
        ReadOnlySpan<string> names,
        string json,
        int depth,
        string newLine
    ) =>
        names.IsEmpty
            ? json
            : $"{{{newLine}{Indent(depth + 1)}{ConfigText.Quote(names[0])}: {Nested(names[1..], json, depth + 1, newLine)}{newLine}{Indent(depth)}}}";

    private static string Indent(int depth) => new(' ', 2 * depth);

    /// <summary>A parsed text and its bytes, which is what positions count.</summary>
    private sealed record Source(SourceValue Root, byte[] Bytes, string NewLine, string ShownAs)
    {
        public static Source Read(string text, string shownAs)
        {
            var bytes = SourceValue.WithoutMark(Encoding.UTF8.GetBytes(text)).ToArray();
            var root = SourceValue.Parse(bytes, out var problem);
            var newLine = text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";
            return root switch
            {
                null => throw QueueException.Usage(
                    $"{shownAs}:{problem.Line}: this is not JSON: {problem.Reason}"
                ),
                { Kind: JsonValueKind.Object } => new Source(root, bytes, newLine, shownAs),
                _ => throw QueueException.Usage($"{shownAs} must hold an object"),
            };
        }

        public SourceValue ObjectOf(SourceMember member) =>
            member.Value.Kind == JsonValueKind.Object
                ? member.Value
                : throw QueueException.Usage(
                    $"{ShownAs}:{member.Line}: {member.Name} must be an object, not {member.Value.KindInWords}"
                );

        public string Replace(int start, int end, string json) =>
            string.Concat(Slice(0, start), json, Slice(end, Bytes.Length));

        public string Insert(SourceValue parent, string name, string json, int depth)
        {
            var closing = parent.End - 1;
            var isFirst = parent.Members.IsEmpty;
            var behindLast = isFirst ? parent.Start + 1 : parent.Members[^1].Value.End;
            var comma = isFirst || CommaBehind(behindLast) is not null ? "" : ",";
            return string.Concat([
                Slice(0, behindLast),
                comma,
                Slice(behindLast, closing).TrimEnd(),
                $"{NewLine}{Indent(depth)}{ConfigText.Quote(name)}: {json}{NewLine}{Indent(depth - 1)}",
                Slice(closing, Bytes.Length),
            ]);
        }

        public string Remove(SourceValue parent, int index)
        {
            var member = parent.Members[index];
            var (start, end) = (member.Start, member.Value.End);
            if (CommaBehind(end) is { } comma)
            {
                end = comma + 1;
            }
            else if (index > 0)
            {
                // The last one goes, and so does the comma that led to it; a comment between them stays.
                var before =
                    CommaBehind(parent.Members[index - 1].Value.End)
                    ?? throw new UnreachableException("two members without a comma between them");
                return string.Concat(
                    Slice(0, before),
                    Slice(before + 1, start).TrimEnd(),
                    Slice(end, Bytes.Length)
                );
            }

            var tail = Slice(end, Bytes.Length);
            var head = Slice(0, start);
            var lineIsEmpty =
                head.TrimEnd(' ', '\t').EndsWith('\n')
                && tail.TrimStart(' ', '\t', '\r') is ['\n', ..];
            return lineIsEmpty
                ? head.TrimEnd(' ', '\t', '\r', '\n') + tail
                : head + tail.TrimStart(' ');
        }

        /// <summary>The comma that ends a value, past blanks and comments; null if another token comes first.</summary>
        private int? CommaBehind(int position)
        {
            while (position < Bytes.Length)
            {
                var rest = Bytes.AsSpan(position);
                if (rest[0] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
                {
                    position++;
                }
                else if (rest.StartsWith("//"u8))
                {
                    position += rest.IndexOf((byte)'\n') is var end and >= 0 ? end : rest.Length;
                }
                else if (rest.StartsWith("/*"u8))
                {
                    position += rest.IndexOf("*/"u8) + 2;
                }
                else
                {
                    return rest[0] == (byte)',' ? position : null;
                }
            }

            return null;
        }

        private string Slice(int start, int end) => Encoding.UTF8.GetString(Bytes[start..end]);
    }
}
