using System.Globalization;
using System.Text.Json;
using AgentQueue.Tasks;

namespace AgentQueue.Storage;

/// <content>The members <c>checks</c> and <c>options</c>: what is asked of the work and of the agent.</content>
internal static partial class TaskJson
{
    private static void WriteChecks(Utf8JsonWriter w, WorkChecks? checks)
    {
        if (checks is null)
        {
            return;
        }

        w.WriteStartObject("checks"u8);
        if (!checks.Commands.IsEmpty)
        {
            w.WriteStartArray("verify"u8);
            foreach (var command in checks.Commands)
            {
                w.WriteStartArray();
                foreach (var word in command)
                {
                    w.WriteStringValue(word);
                }

                w.WriteEndArray();
            }

            w.WriteEndArray();
        }

        WriteTrue(w, "outputs"u8, checks.Outputs);
        WriteTrue(w, "changes"u8, checks.Changes);
        WriteTrue(w, "clean"u8, checks.Clean);
        if (checks.FixAttempts > 0)
        {
            w.WriteNumber("fixAttempts"u8, checks.FixAttempts);
        }

        w.WriteEndObject();
    }

    private static void WriteOptions(Utf8JsonWriter w, AgentOptions? options)
    {
        if (options is null)
        {
            return;
        }

        w.WriteStartObject("options"u8);
        WriteOptional(w, "model"u8, options.Model);
        WriteOptional(w, "permission"u8, options.Permission?.Word());
        WriteOptional(w, "session"u8, options.Session);
        WriteOptional(w, "followUp"u8, options.FollowUp);
        WriteOptional(w, "continues"u8, options.Continues?.Value);
        WriteOptional(w, "onLimit"u8, options.OnLimit?.ToString());
        if (options.MaxUsd is { } usd)
        {
            w.WriteNumber("maxUsd"u8, usd);
        }

        if (options.MaxTokens is { } tokens)
        {
            w.WriteNumber("maxTokens"u8, tokens);
        }

        if (options.MaxTurns is { } turns)
        {
            w.WriteNumber("maxTurns"u8, turns);
        }

        if (options.StartTimeout is { } first)
        {
            WriteSeconds(w, "startTimeout"u8, first);
        }

        if (options.Fallback is { } fallback)
        {
            w.WriteStartArray("fallback"u8);
            foreach (var agent in fallback)
            {
                w.WriteStringValue(agent);
            }

            w.WriteEndArray();
        }

        if (options.TimesPutOff > 0)
        {
            w.WriteNumber("timesPutOff"u8, options.TimesPutOff);
        }

        w.WriteEndObject();
    }

    private static void WriteTrue(Utf8JsonWriter w, ReadOnlySpan<byte> name, bool value)
    {
        if (value)
        {
            w.WriteBoolean(name, true);
        }
    }

    private sealed partial class Fields
    {
        private static WorkChecks? Checks(ref Utf8JsonReader r)
        {
            if (r.TokenType != JsonTokenType.StartObject)
            {
                r.Skip();
                return null;
            }

            var checks = new WorkChecks();
            while (r.Read() && r.TokenType == JsonTokenType.PropertyName)
            {
                var name = Plain(ref r);
                r.Read();
                checks = name switch
                {
                    "verify" => checks with { Commands = Commands(ref r) },
                    "outputs" => checks with { Outputs = True(ref r) },
                    "changes" => checks with { Changes = True(ref r) },
                    "clean" => checks with { Clean = True(ref r) },
                    "fixAttempts" => checks with
                    {
                        FixAttempts = (int)Math.Clamp(Number(ref r) ?? 0, 0, 1000),
                    },
                    // What is not known must not pass for a check that was made.
                    _ => throw new FormatException($"there is no check '{Short(name)}'"),
                };
            }

            return checks;
        }

        private static AgentOptions? AgentOptions(ref Utf8JsonReader r)
        {
            if (r.TokenType != JsonTokenType.StartObject)
            {
                r.Skip();
                return null;
            }

            var options = new AgentOptions();
            while (r.Read() && r.TokenType == JsonTokenType.PropertyName)
            {
                var name = Plain(ref r);
                r.Read();
                switch (name)
                {
                    case "model":
                        options = options with { Model = Text(ref r) };
                        break;
                    case "permission":
                        // A word that is not known must not become more than was meant.
                        options = options with
                        {
                            Permission = Permissions.Parse(Text(ref r)) ?? Permission.Read,
                        };
                        break;
                    case "session":
                        options = options with { Session = Text(ref r) };
                        break;
                    case "followUp":
                        options = options with { FollowUp = Text(ref r) };
                        break;
                    case "continues":
                        options = options with { Continues = Id(ref r) };
                        break;
                    case "onLimit":
                        options = options with { OnLimit = LimitPolicy.Parse(Text(ref r)) };
                        break;
                    case "maxUsd":
                        options = options with { MaxUsd = Decimal(ref r) };
                        break;
                    case "maxTokens":
                        options = options with { MaxTokens = Number(ref r) };
                        break;
                    case "maxTurns":
                        options = options with
                        {
                            MaxTurns = (int?)
                                Math.Clamp(Number(ref r) ?? int.MaxValue, 0, int.MaxValue),
                        };
                        break;
                    case "startTimeout":
                        options = options with { StartTimeout = Seconds(ref r) };
                        break;
                    case "fallback":
                        options = options with { Fallback = Words(ref r) };
                        break;
                    case "timesPutOff":
                        options = options with
                        {
                            TimesPutOff = (int)Math.Clamp(Number(ref r) ?? 0, 0, int.MaxValue),
                        };
                        break;
                    default:
                        r.Skip();
                        break;
                }
            }

            return options;
        }

        private static bool True(ref Utf8JsonReader r)
        {
            var isTrue = r.TokenType == JsonTokenType.True;
            r.Skip();
            return isTrue;
        }

        private static decimal? Decimal(ref Utf8JsonReader r)
        {
            var number =
                r.TokenType == JsonTokenType.Number
                && r.TryGetDecimal(out var value)
                && value is >= 0 and < 1_000_000_000
                    ? value
                    : throw new FormatException(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"an amount in it is no number from 0 to 999,999,999"
                        )
                    );
            return number;
        }
    }
}
