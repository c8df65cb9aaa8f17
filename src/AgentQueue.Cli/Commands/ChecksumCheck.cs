using System.Globalization;
using AgentQueue.Cli.Output;
using AgentQueue.Keeping;

namespace AgentQueue.Cli.Commands;

/// <summary>
/// <c>hash --check</c>: each file that a list names, compared with what the list says. A file that differs
/// or cannot be read is exit code 3; a list that cannot be used, or a line of it, is 1: what was not
/// compared must not pass for good.
/// </summary>
/// <param name="only">The algorithm that all lines must be of; null: each line's length says which.</param>
internal sealed class ChecksumCheck(Session session, HashKind? only)
{
    private const string Good = "OK";

    private readonly List<(string File, string Status)> _results = [];
    private bool _isIncomplete;

    public ExitCode Run(string[] lists)
    {
        foreach (var list in lists)
        {
            try
            {
                CheckList(list);
            }
            catch (QueueException e)
            {
                Session.Screen.Error(e);
                _isIncomplete = true;
            }
        }

        if (session.Json)
        {
            PrintJson();
        }

        return _results.Exists(static r => r.Status != Good) ? ExitCode.WorkFailed
            : _isIncomplete ? ExitCode.Refused
            : ExitCode.Ok;
    }

    private void CheckList(string list)
    {
        var before = _results.Count;
        var number = 0;
        foreach (var line in Lines(list))
        {
            number++;
            var text = line.TrimEnd('\r');
            if (text.Length == 0 || Session.Screen.ReaderGone)
            {
                continue;
            }

            if (
                ChecksumLine.TryParse(text) is { } expected
                && HashKind.All.FirstOrDefault(k => k.Digits == expected.Hash.Length) is { } kind
                && (only is null || only == kind)
            )
            {
                Tell(expected.File, Compare(expected, kind));
                continue;
            }

            _isIncomplete = true;
            Session.Screen.Talk(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{list}, line {number}: no line of a checksum list; passed over"
                ),
                Tone.Warn
            );
        }

        if (_results.Count == before)
        {
            throw new QueueException(
                $"There is no checksum in {list}",
                "Make a list: agentq hash FILE… > LIST"
            );
        }
    }

    private string[] Lines(string list) =>
        NamedInput.Read(session, list, content => InputText.Read(content, list)).Split('\n');

    private string Compare(ChecksumLine expected, HashKind kind)
    {
        try
        {
            var hash = NamedInput.Read(session, expected.File, c => FileHash.Of(c, kind));
            return hash == expected.Hash ? Good : "FAILED";
        }
        catch (QueueException e)
        {
            if (!Path.Exists(Path.GetFullPath(expected.File, session.CurrentFolder)))
            {
                return "MISSING";
            }

            Session.Screen.Error(e);
            return "UNREADABLE";
        }
    }

    private void Tell(string file, string status)
    {
        _results.Add((file, status));
        if (!session.Json)
        {
            Session.Screen.Line($"{file}: {status}", status == Good ? Tone.Plain : Tone.Bad);
            Session.Screen.Flush();
        }
    }

    private void PrintJson() =>
        JsonOutput.PrintObject(
            Session.Screen,
            w =>
            {
                w.WriteStartArray("files"u8);
                foreach (var (file, status) in _results)
                {
                    w.WriteStartObject();
                    w.WriteString("file"u8, Path.GetFullPath(file, session.CurrentFolder));
                    w.WriteString("status"u8, status.ToLowerInvariant());
                    w.WriteEndObject();
                }

                w.WriteEndArray();
            }
        );
}
