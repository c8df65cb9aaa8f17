// The one file that starts processes: each is a child of this process and lives for one call.
#pragma warning disable RS0030

using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentQueue.Storage;

namespace AgentQueue.Server;

/// <summary>
/// Calls <c>agentq</c> with <c>--json</c>, as anybody else would: what holds for the program holds for the server, a
/// newer program is used from the next call on, and nothing that goes wrong in a call is left behind here. No shell
/// is involved, ids and names follow <c>--</c>, and prompts travel over standard input.
/// </summary>
/// <param name="command">The program, and what comes before its first argument.</param>
/// <param name="project">Finds the project's folder, anew for each call: it may be made while the server lives.</param>
internal sealed class QueueProgram(IReadOnlyList<string> command, Func<string> project)
    : IDisposable
{
    private const int LongestReply = 32 << 20;
    private const int LongestComplaint = 16 << 10;
    private const int MostCalls = 16;
    private const int MostWaits = 64;

    // A call is over in milliseconds; this long takes only one that waits for another's lock.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    /// <summary>The project's folder. Every call runs in it.</summary>
    /// <exception cref="QueueException">The folder that was named does not exist.</exception>
    public string Project => project();

    private readonly SemaphoreSlim _calls = new(MostCalls);
    private readonly SemaphoreSlim _waits = new(MostWaits);

    /// <summary>A call that changes something: it is finished even if nobody waits for its reply any more.</summary>
    /// <param name="arguments">What follows <c>--json</c>.</param>
    /// <param name="input">Standard input; null for none.</param>
    /// <exception cref="QueueException">The program refused, with its own sentences.</exception>
    public Task<Reply> ChangeAsync(IReadOnlyList<string> arguments, string? input = null) =>
        RunAsync(_calls, arguments, input, s_patience, CancellationToken.None);

    /// <summary>A call that only looks.</summary>
    /// <inheritdoc cref="ChangeAsync"/>
    public Task<Reply> ReadAsync(IReadOnlyList<string> arguments, CancellationToken cancel) =>
        RunAsync(_calls, arguments, null, s_patience, cancel);

    /// <summary>A call that waits for tasks; it is given up with <paramref name="cancel"/>, the tasks go on.</summary>
    /// <param name="limit">How long the program waits; it is given a little more to say so.</param>
    /// <inheritdoc cref="ChangeAsync"/>
    public Task<Reply> WaitAsync(
        IReadOnlyList<string> arguments,
        TimeSpan limit,
        CancellationToken cancel
    ) => RunAsync(_waits, arguments, null, limit + s_patience, cancel);

    public void Dispose()
    {
        _calls.Dispose();
        _waits.Dispose();
    }

    private async Task<Reply> RunAsync(
        SemaphoreSlim turns,
        IReadOnlyList<string> arguments,
        string? input,
        TimeSpan limit,
        CancellationToken cancel
    )
    {
        await turns.WaitAsync(cancel);
        try
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            end.CancelAfter(limit);
            using var process = Start(arguments);
            try
            {
                return await ReplyOf(process, arguments[0], input, end.Token);
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                throw new QueueException(
                    $"agentq {arguments[0]} has not answered within {limit.TotalSeconds:0} seconds",
                    "See what is held up: agentq doctor"
                );
            }
            finally
            {
                End(process);
            }
        }
        finally
        {
            turns.Release();
        }
    }

    private Process Start(IReadOnlyList<string> arguments)
    {
        var folder = Project;
        if (!Directory.Exists(folder))
        {
            throw new QueueException(
                $"The project's folder {folder} is gone",
                "Start the server again where the project is now"
            );
        }

        var info = new ProcessStartInfo(command[0])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
            StandardOutputEncoding = new UTF8Encoding(false),
            StandardErrorEncoding = new UTF8Encoding(false),
            UseShellExecute = false,
            WorkingDirectory = folder,
        };
        info.Environment[QueueLocator.RootVariable] = info.WorkingDirectory;
        foreach (var word in (IEnumerable<string>)[.. command.Skip(1), .. arguments])
        {
            info.ArgumentList.Add(word);
        }

        try
        {
            return Process.Start(info)!;
        }
        catch (Win32Exception e)
        {
            throw new QueueException(
                $"{command[0]} cannot be started: {e.Message}",
                "Put agentq beside agentq-server, or on PATH",
                cause: e
            );
        }
    }

    private static async Task<Reply> ReplyOf(
        Process process,
        string verb,
        string? input,
        CancellationToken end
    )
    {
        var output = ReadAsync(process.StandardOutput, LongestReply, end);
        var complaint = ReadAsync(process.StandardError, LongestComplaint, end);
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), end);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It did not want to read it; why, it says itself.
        }

        var (text, isCut) = await output;
        var (said, _) = await complaint;
        await process.WaitForExitAsync(end);
        if (isCut)
        {
            throw new QueueException(
                $"What agentq {verb} says is longer than {LongestReply >> 20} MiB",
                "Ask for less, or read the files in .agents/"
            );
        }

        return Parse(text) is { } json
            ? new Reply(json, process.ExitCode, said)
            : throw Complaint(verb, process.ExitCode, said);
    }

    private static JsonObject? Parse(string text)
    {
        // A plan's run says one document a line; the first has its id.
        var first =
            text.StartsWith('{') && text.IndexOf("\n{", StringComparison.Ordinal) is var end and > 0
                ? text[..end]
                : text;
        try
        {
            return JsonNode.Parse(first) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static QueueException Complaint(string verb, int code, string said)
    {
        const string Prefix = "agentq: ";
        const string HintPrefix = "hint: ";
        var lines = said.Split(
            '\n',
            StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries
        );
        var message = lines.LastOrDefault(static l =>
            l.StartsWith(Prefix, StringComparison.Ordinal)
        );
        var hint = lines.LastOrDefault(static l =>
            l.StartsWith(HintPrefix, StringComparison.Ordinal)
        );
        return new QueueException(
            message?[Prefix.Length..] ?? $"agentq {verb} ended with code {code} and said nothing",
            hint?[HintPrefix.Length..]
        );
    }

    // To its end, so that the program is never held up; what is too much is not kept.
    private static async Task<(string Text, bool IsCut)> ReadAsync(
        StreamReader reader,
        int most,
        CancellationToken end
    )
    {
        var text = new StringBuilder();
        var buffer = new char[8192];
        var isCut = false;
        int count;
        while ((count = await reader.ReadAsync(buffer, end)) > 0)
        {
            var kept = Math.Min(count, most - text.Length);
            text.Append(buffer, 0, kept);
            isCut |= kept < count;
        }

        return (text.ToString(), isCut);
    }

    private static void End(Process process)
    {
        try
        {
            process.Kill();
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // It has ended by itself.
        }
    }

    /// <param name="Json">What it printed.</param>
    /// <param name="ExitCode">As in the table of docs: 1 and 2 are refusals, 3 to 5 tell how tasks ended.</param>
    /// <param name="Said">What it told a person beside that.</param>
    public sealed record Reply(JsonObject Json, int ExitCode, string Said)
    {
        public bool IsRefusal => ExitCode is 1 or 2;
    }
}
