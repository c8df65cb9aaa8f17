using AgentQueue.Tests.Support;

namespace AgentQueue.Tests.Simulation;

/// <summary>
/// Lets many processes run as if at once, one step at a time, in an order that the seed decides. Each has a
/// thread of its own, and only the one whose turn it is moves. Time passes when all of them wait.
/// </summary>
/// <remarks>
/// Whoever gives its turn away decides itself who is next, and wakes that one: when it is itself, no thread
/// is switched at all.
/// </remarks>
internal sealed class Turns : IDisposable
{
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(20);
    private readonly FakeTime _time;
    private readonly Random _random;
    private readonly List<Player> _players = [];
    private readonly List<Player> _ready = [];
    private readonly Stack<Worker> _idle = [];
    private readonly List<Worker> _workers = [];
    private readonly Baton _back = new();
    private Player? _current;
    private Exception? _failure;
    private int _left;

    public Turns(FakeTime time, Random random)
    {
        (_time, _random) = (time, random);
        _time.Waiter = Wait;
    }

    /// <summary>Who has not come to an end.</summary>
    public IEnumerable<string> Names => _players.Select(static p => p.Name);

    /// <summary>How often one process moved.</summary>
    public long Taken { get; private set; }

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
        _left = turns;
        if (Choose() is { } first)
        {
            Begin(first);
            _back.Wait();
            if (_failure is { } failure)
            {
                _failure = null;
                throw failure;
            }
        }

        return _players.Count == 0;
    }

    public void Dispose()
    {
        foreach (var worker in _workers)
        {
            worker.Dispose();
        }
    }

    // Null: nobody is left, or the turns are used up; then it is Play's turn.
    private Player? Choose()
    {
        _current = null;
        while (_players.Count > 0)
        {
            if (_left == 0)
            {
                return null;
            }

            _left--;
            _ready.Clear();
            foreach (var player in _players)
            {
                if (player.Until is not { } until || until <= _time.Elapsed || player.Woken())
                {
                    _ready.Add(player);
                }
            }

            if (_ready.Count == 0)
            {
                var next = _players.Min(static p => p.Until!.Value);
                _time.AdvanceTo(_time.Next is { } plan && plan < next ? plan : next);
                continue;
            }

            Taken++;
            var chosen = _ready[_random.Next(_ready.Count)];
            (_current, chosen.Until) = (chosen, null);
            return chosen;
        }

        return null;
    }

    private static void Begin(Player player)
    {
        var first = !player.Started;
        player.Started = true;
        player.Worker.Go(first ? player : null);
    }

    private void Pass(Player? next)
    {
        if (next is null)
        {
            _back.Pass();
        }
        else
        {
            Begin(next);
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
        var next = Choose();
        if (next != player)
        {
            Pass(next);
            player.Worker.WaitForTurn();
        }
    }

    private void End(Player player, Exception? failure)
    {
        _players.Remove(player);
        _idle.Push(player.Worker);
        if (failure is null)
        {
            try
            {
                Pass(Choose());
                return;
            }
            catch (Exception e)
            {
                // Of something that was planned for this moment.
                failure = e;
            }
        }

        _current = null;
        _failure = new InvalidOperationException($"{player.Name}: {failure}", failure);
        _back.Pass();
    }

    private Worker NewWorker()
    {
        var worker = new Worker(End);
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

    /// <summary>What one thread hands to another; nobody spins for it, the other core has work of its own.</summary>
    private sealed class Baton
    {
        private bool _here;

        public void Pass()
        {
            lock (this)
            {
                _here = true;
                Monitor.Pulse(this);
            }
        }

        public void Wait()
        {
            lock (this)
            {
                while (!_here)
                {
                    Monitor.Wait(this);
                }

                _here = false;
            }
        }
    }

    /// <summary>A thread that is lent to one process after the other.</summary>
    private sealed class Worker : IDisposable
    {
        private readonly Baton _turn = new();
        private readonly Action<Player, Exception?> _end;
        private readonly Thread _thread;
        private Player? _player;
        private volatile bool _stopped;

        public Worker(Action<Player, Exception?> end)
        {
            _end = end;
            _thread = new Thread(Run, 512 << 10) { IsBackground = true };
            _thread.Start();
        }

        /// <param name="player">Null: the one that it has goes on.</param>
        public void Go(Player? player)
        {
            _player = player ?? _player;
            _turn.Pass();
        }

        public void WaitForTurn()
        {
            _turn.Wait();
            if (_stopped)
            {
                throw new ProcessDied();
            }
        }

        public void Dispose()
        {
            _stopped = true;
            _turn.Pass();
            _thread.Join();
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

                var player = _player!;
                Exception? failure = null;
                try
                {
                    player.Act();
                }
                catch (ProcessDied)
                {
                    // Killed: it has no more to say.
                }
                catch (Exception e)
                {
                    failure = e;
                }

                if (_stopped)
                {
                    return;
                }

                _end(player, failure);
            }
        }
    }
}
