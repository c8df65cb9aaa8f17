using System.Diagnostics;
using System.Text;

namespace AgentQueue.EndToEnd;

/// <summary>A program that a test has started. It is ended with the test, if not before.</summary>
internal sealed class Running : IDisposable
{
    private readonly Process _process;
    private readonly string _line;
    private readonly long _begun = Stopwatch.GetTimestamp();
    private readonly StringBuilder _out = new();
    private readonly StringBuilder _err = new();
    private readonly Task _outRead;
    private readonly Task _errRead;

    public Running(ProcessStartInfo info, byte[]? input)
    {
        info.RedirectStandardInput = true;
        info.RedirectStandardOutput = true;
        info.RedirectStandardError = true;
        info.StandardOutputEncoding = new UTF8Encoding(false);
        info.StandardErrorEncoding = new UTF8Encoding(false);
        info.UseShellExecute = false;
        _line =
            $"$ {Path.GetFileName(info.FileName)} {string.Join(' ', info.ArgumentList.Select(Shorten))}";
        _process = Process.Start(info)!;
        _outRead = Task.Run(() => Read(_process.StandardOutput, _out));
        _errRead = Task.Run(() => Read(_process.StandardError, _err));
        try
        {
            _process.StandardInput.BaseStream.Write(input ?? []);
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It did not want to read all of it: what it says then is what the test is about.
        }
    }

    public int Pid => _process.Id;

    /// <summary>What has been printed so far.</summary>
    public string Out => Printed(_out);

    /// <summary>What has been printed to standard error so far.</summary>
    public string Err => Printed(_err);

    public bool HasEnded => _process.HasExited;

    public void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    /// <summary>Waits for its end and for the end of what it printed: a pipe that stays open is a failure.</summary>
    public Outcome End(double seconds = 60)
    {
        var ended = _process.WaitForExit(TimeSpan.FromSeconds(seconds));
        var took = Stopwatch.GetElapsedTime(_begun);
        if (!ended)
        {
            Kill();
            Assert.Fail($"{_line}\nhas not ended within {seconds} s; so far it printed\n{Out}");
        }

        var left = TimeSpan.FromSeconds(Math.Max(seconds - took.TotalSeconds, 1));
        if (!Task.WhenAll(_outRead, _errRead).Wait(left))
        {
            Assert.Fail($"{_line}\nhas ended, but somebody keeps its stdout or stderr open");
        }

        return new Outcome(_line, _process.ExitCode, Out, Err, took);
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private static string Printed(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    private static async Task Read(StreamReader stream, StringBuilder text)
    {
        var buffer = new char[4096];
        int n;
        while ((n = await stream.ReadAsync(buffer)) > 0)
        {
            lock (text)
            {
                text.Append(buffer, 0, n);
            }
        }
    }

    private static string Shorten(string text) => text.Length <= 400 ? text : text[..400] + "…";
}
