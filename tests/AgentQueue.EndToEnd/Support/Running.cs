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
    private readonly Task _outRead;
    private readonly Task<string> _errRead;

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
        _outRead = Task.Run(ReadOut);
        _errRead = _process.StandardError.ReadToEndAsync();
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
    public string Out
    {
        get
        {
            lock (_out)
            {
                return _out.ToString();
            }
        }
    }

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
    public Outcome End(double seconds = 30)
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

        return new Outcome(_line, _process.ExitCode, Out, _errRead.Result, took);
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private async Task ReadOut()
    {
        var buffer = new char[4096];
        int n;
        while ((n = await _process.StandardOutput.ReadAsync(buffer)) > 0)
        {
            lock (_out)
            {
                _out.Append(buffer, 0, n);
            }
        }
    }

    private static string Shorten(string text) => text.Length <= 400 ? text : text[..400] + "…";
}
