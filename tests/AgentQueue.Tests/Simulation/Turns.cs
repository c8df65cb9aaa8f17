using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Simulation;

/// <summary>
/// Lets many processes run as if at once, one step at a time, in an order that the seed decides. Each has a
/// thread of its own, and only the one whose turn it is moves. Time passes when all of them wait.
/// </summary>
internal sealed class Turns : IDisposable
{
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(20);
    private readonly FakeTime _time;
    private readonly Random _random;
    private readonly List<Player> _players = [];
    private readonly Stack<Worker> _idle = [];
    private readonly List<Worker> _workers = [];
    private readonly SemaphoreSlim _back = new(0);
    private Player? _current;

    public Turns(FakeTime time, Random random)
    {
        (_time, _random) = (time, random);
        _time.Waiter = Wait;
    }

    /// <summary>Who has not come to an end.</summary>
    public IEnumerable<string> Names => _players.Select(static p => p.Name);

    /// <summary>Begins a process; it moves when it is its turn.</summary>
    public void Add(string name, Action act)
    {
        var worker = _idle.Count > 0 ? _idle.Pop() : NewWorker();
        _players.Add(new Player(name, act, worker));
    }

    /// <summary>The process that has the turn may lose it here.</summary>
    public void MayYield(int oneIn)
    {
        if (_current is not null && _random.Next(oneIn) == 0)
        {
            Yield(null, static () => false);
        }
    }

    /// <summary>Gives turns until nobody can move any more, or for at most that many turns.</summary>
    /// <returns>False if somebody could still move.</returns>
    public bool Play(int turns)
    {
        for (; _players.Count > 0; turns--)
        {
            if (turns == 0)
            {
                return false;
            }

            var ready = _players.FindAll(p =>
                p.Until is null || p.Until <= _time.Elapsed || p.Woken()
            );
            if (ready.Count == 0)
            {
                var next = _players.Min(static p => p.Until!.Value);
                _time.AdvanceTo(_time.Next is { } plan && plan < next ? plan : next);
                continue;
            }

            Give(ready[_random.Next(ready.Count)]);
        }

        return true;
    }

    public void Dispose()
    {
        foreach (var worker in _workers)
        {
            worker.Dispose();
        }

        _back.Dispose();
    }

    private void Give(Player player)
    {
        _current = player;
        player.Until = null;
        player.Worker.Go(player.Started ? null : player.Act);
        player.Started = true;
        _back.Wait();
        _current = null;
        if (player.Worker.IsDone)
        {
            _players.Remove(player);
            _idle.Push(player.Worker);
            player.Worker.ThrowIfFailed(player.Name);
        }
    }

    private void Wait(TimeSpan limit, Func<bool> woken)
    {
        if (_current is null)
        {
            throw new InvalidOperationException("Only a process whose turn it is can wait");
        }

        if (!woken())
        {
            // Whole steps, or the jitter of those who wait for a lock would make each run another.
            Yield(_time.Elapsed + (Math.Ceiling(limit / s_step) * s_step), woken);
        }
    }

    private void Yield(TimeSpan? until, Func<bool> woken)
    {
        var player = _current!;
        (player.Until, player.Woken) = (until, woken);
        _back.Release();
        player.Worker.WaitForTurn();
    }

    private Worker NewWorker()
    {
        var worker = new Worker(_back);
        _workers.Add(worker);
        return worker;
    }

    private sealed class Player(string name, Action act, Worker worker)
    {
        public string Name { get; } = name;
        public Action Act { get; } = act;
        public Worker Worker { get; } = worker;
        public bool Started { get; set; }

        /// <summary>Null: may move at once.</summary>
        public TimeSpan? Until { get; set; }
        public Func<bool> Woken { get; set; } = static () => false;
    }

    /// <summary>A thread that is lent to one process after the other.</summary>
    private sealed class Worker : IDisposable
    {
        private readonly SemaphoreSlim _turn = new(0);
        private readonly SemaphoreSlim _back;
        private readonly Thread _thread;
        private Action? _act;
        private Exception? _failure;
        private volatile bool _stopped;

        public Worker(SemaphoreSlim back)
        {
            _back = back;
            _thread = new Thread(Run, 512 << 10) { IsBackground = true };
            _thread.Start();
        }

        public bool IsDone { get; private set; }

        public void Go(Action? act)
        {
            if (act is not null)
            {
                (_act, IsDone) = (act, false);
            }

            _turn.Release();
        }

        public void WaitForTurn()
        {
            _turn.Wait();
            if (_stopped)
            {
                throw new ProcessDied();
            }
        }

        public void ThrowIfFailed(string name)
        {
            if (_failure is { } e)
            {
                throw new InvalidOperationException($"{name}: {e}", e);
            }
        }

        public void Dispose()
        {
            _stopped = true;
            _turn.Release();
            _thread.Join();
            _turn.Dispose();
        }

        private void Run()
        {
            while (true)
            {
                _turn.Wait();
                if (_stopped)
                {
                    return;
                }

                try
                {
                    _failure = null;
                    _act!();
                }
                catch (ProcessDied)
                {
                    // Killed: it has no more to say.
                }
                catch (Exception e)
                {
                    _failure = e;
                }

                IsDone = true;
                if (_stopped)
                {
                    return;
                }

                _back.Release();
            }
        }
    }
}
