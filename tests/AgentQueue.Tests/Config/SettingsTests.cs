using AgentQueue.Config;
using AgentQueue.Tasks;

namespace AgentQueue.Tests.Config;

public sealed class SettingsTests : IDisposable
{
    private readonly TempProject _project = new();

    public void Dispose() => _project.Dispose();

    private string QueueFolder => Path.Join(_project.Root, ".agents");

    private Settings Load(string json)
    {
        _project.Write(".agents/settings.json", json);
        return Settings.Load(QueueFolder);
    }

    private string Refusal(string json) => Assert.Throws<QueueException>(() => Load(json)).Message;

    [Fact]
    public void Without_a_file_everything_has_its_default()
    {
        Assert.Equal(Settings.Default, Settings.Load(QueueFolder));
        Assert.Equal(
            [
                "parallel=3",
                "timeout=none",
                "timeoutWarning=1m",
                "idleTimeout=none",
                "grace=10s",
                "maxRetries=3",
                "autoRetry=false",
                "logLimit=100",
                "archive.completedAfter=30d",
                "archive.failedAfter=90d",
                "archive.cancelledAfter=30d",
                "queue.maxTasks=none",
                "onLimit=wait",
                "fsync=true",
            ],
            Settings.Default.Show().Select(line => $"{line.Key}={line.Value}")
        );
        Assert.All(Settings.Default.Show(), line => Assert.True(line.IsDefault));
    }

    [Fact]
    public void Every_key_is_read()
    {
        var settings = Load(
            """
            { // tolerant
              "$schema": "x", "parallel": 5, "timeout": "2h", "timeoutWarning": 30,
              "idleTimeout": 600, "grace": 0, "maxRetries": 0, "autoRetry": true,
              "logLimit": 7,
              "archive": {"completedAfter": "7d", "failedAfter": 0, "cancelledAfter": "1d",},
              "queue": {"maxTasks": 50}, "onLimit": "fallback:codex", "fsync": false,
            }
            """
        );
        Assert.Equal(
            new Settings
            {
                Parallel = 5,
                Timeout = TimeSpan.FromHours(2),
                TimeoutWarning = TimeSpan.FromSeconds(30),
                IdleTimeout = TimeSpan.FromMinutes(10),
                Grace = TimeSpan.Zero,
                MaxRetries = 0,
                AutoRetry = true,
                LogLimit = 7,
                ArchiveCompletedAfter = TimeSpan.FromDays(7),
                ArchiveFailedAfter = TimeSpan.Zero,
                ArchiveCancelledAfter = TimeSpan.FromDays(1),
                MaxQueuedTasks = 50,
                OnLimit = new LimitPolicy(false, "codex"),
                Fsync = false,
            },
            settings
        );
        Assert.All(settings.Show(), line => Assert.False(line.IsDefault));
    }

    [Theory]
    [InlineData(
        "{\n\"paralel\": 1}",
        ".agents/settings.json:2: paralel is not a known key; did you mean 'parallel'?"
    )]
    [InlineData(
        """{"archive": {"faildAfter": 1}}""",
        ".agents/settings.json:1: archive.faildAfter is not a known key; did you mean 'failedAfter'?"
    )]
    [InlineData(
        """{"archive": 5}""",
        ".agents/settings.json:1: archive must be an object, not a number"
    )]
    [InlineData(
        """{"parallel": 0}""",
        ".agents/settings.json:1: parallel must be a whole number from 1 to 1000, not 0"
    )]
    [InlineData(
        """{"maxRetries": -2}""",
        ".agents/settings.json:1: maxRetries must be a whole number from 0 to 100, not -2"
    )]
    [InlineData(
        """{"timeout": 0}""",
        ".agents/settings.json:1: timeout must be at least 1s, not 0"
    )]
    [InlineData(
        """{"fsync": 1}""",
        ".agents/settings.json:1: fsync must be true or false, not a number"
    )]
    public void A_mistake_is_named_with_file_line_key_and_reason(string json, string message)
    {
        Assert.Equal(message, Refusal(json));
        Assert.Equal(message, Assert.Single(Settings.Validate(QueueFolder)).ToString());
    }

    public sealed class Setting
    {
        [Theory]
        [InlineData("parallel", "5", "{\n  \"parallel\": 5\n}\n")]
        [InlineData("parallel", "+07", "{\n  \"parallel\": 7\n}\n")]
        [InlineData("timeout", "5m", "{\n  \"timeout\": \"5m\"\n}\n")]
        [InlineData("timeout", "300", "{\n  \"timeout\": \"300\"\n}\n")]
        [InlineData("autoRetry", "yes", "{\n  \"autoRetry\": true\n}\n")]
        [InlineData(
            "archive.failedAfter",
            "7d",
            "{\n  \"archive\": {\n    \"failedAfter\": \"7d\"\n  }\n}\n"
        )]
        public void A_value_is_written_into_a_new_file(string key, string value, string expected) =>
            Assert.Equal(expected, Settings.Set(null, key, value));

        [Theory]
        [InlineData("parallel", "0", "parallel must be a whole number from 1 to 1000, not 0")]
        [InlineData("parallel", "many", "parallel must be a whole number from 1 to 1000, not many")]
        [InlineData("parallel", "none", "parallel must be a whole number from 1 to 1000, not none")]
        [InlineData("parallel", "", "parallel must be a whole number from 1 to 1000, not ")]
        [InlineData("autoRetry", "maybe", "autoRetry must be true or false, not text")]
        [InlineData("timeout", "0", "timeout must be at least 1s, not \"0\", or none")]
        [InlineData("paralel", "1", "There is no setting 'paralel'; did you mean 'parallel'?")]
        [InlineData(
            "archive",
            "1",
            "There is no setting 'archive'; did you mean 'archive.failedAfter'?"
        )]
        public void What_a_key_does_not_take_is_refused(string key, string value, string message)
        {
            var refused = Assert.Throws<QueueException>(() => Settings.Set(null, key, value));
            Assert.Equal(message, refused.Message);
            Assert.Equal(ExitCode.Usage, refused.ExitCode);
        }

        [Fact]
        public void Every_value_that_is_shown_can_be_set_again()
        {
            var text = "{}";
            foreach (var line in Settings.Default.Show())
            {
                text = Settings.Set(text, line.Key, line.Value);
            }

            var reader = new ConfigReader("x");
            Assert.Equal(
                Settings.Default,
                Settings.Read(reader, reader.ReadRoot(System.Text.Encoding.UTF8.GetBytes(text)))
            );
            Assert.Empty(reader.Problems);
        }

        [Fact]
        public void Comments_order_and_other_keys_stay() =>
            Assert.Equal(
                """
                // ours
                {
                  "grace": 5, // patient
                  "archive": { "failedAfter": "9d" /* long */ },
                  "parallel": 8, // few cores
                  // the end
                  "maxRetries": 1
                }
                """,
                Settings.Set(
                    Settings.Set(
                        Settings.Set(
                            """
                            // ours
                            {
                              "grace": 5, // patient
                              "archive": { "failedAfter": "1d" /* long */ },
                              "parallel": 2 // few cores
                              // the end
                            }
                            """,
                            "archive.failedAfter",
                            "9d"
                        ),
                        "parallel",
                        "8"
                    ),
                    "maxRetries",
                    "1"
                )
            );

        [Theory]
        [InlineData("none")]
        [InlineData("default")]
        public void None_and_default_take_a_key_away(string value) =>
            Assert.Equal(
                "{\n  \"grace\": 5\n}\n",
                Settings.Set("{\n  \"timeout\": 9,\n  \"grace\": 5\n}\n", "timeout", value)
            );

        [Fact]
        public void A_key_that_is_not_there_is_taken_away_without_a_change() =>
            Assert.Equal("{ }", Settings.Set("{ }", "timeout", "none"));

        [Fact]
        public void A_broken_file_is_refused_and_not_replaced() =>
            Assert.StartsWith(
                "settings.json:2: this is not JSON",
                Assert.Throws<QueueException>(() => Settings.Set("{\n", "parallel", "1")).Message,
                StringComparison.Ordinal
            );
    }
}
