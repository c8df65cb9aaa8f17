namespace AgentQueue.Config;

/// <summary>
/// Did-you-mean: the known word that a mistyped one is nearest to. Used for keys, verbs, agents and ids,
/// so that every message guesses in the same way. Upper and lower case are alike.
/// </summary>
internal static class Nearest
{
    // Beyond this nobody mistyped anything, and the table would cost more than the answer is worth.
    private const int LongestWord = 100;

    /// <summary>
    /// The nearest of <paramref name="known"/>, or null if none is near: a known word of which
    /// <paramref name="typed"/> is the beginning, else at most one slip for each three letters. The first of
    /// equals wins.
    /// </summary>
    public static string? To(string typed, IEnumerable<string> known)
    {
        if (typed.Length is 0 or > LongestWord)
        {
            return null;
        }

        string? nearest = null;
        var least = (HasSlips: true, Distance: int.MaxValue);
        foreach (var word in known)
        {
            var distance = (!IsBeginning(typed, word), Distance(typed, word));
            if (distance.CompareTo(least) < 0 && IsNear(typed, word, distance))
            {
                (nearest, least) = (word, distance);
            }
        }

        return nearest;
    }

    /// <summary><c>; did you mean 'timeout'?</c>, or nothing: the end of a sentence about an unknown word.</summary>
    public static string Suggestion(string typed, IEnumerable<string> known) =>
        To(typed, known) is { } word ? $"; did you mean '{word}'?" : "";

    /// <summary>Letters to insert, drop, replace or swap with their neighbour to turn one word into the other.</summary>
    internal static int Distance(string left, string right)
    {
        if (right.Length > LongestWord)
        {
            return int.MaxValue;
        }

        // Three rows of the table of optimal string alignment: two back for the swap, one back, and this one.
        var before = new int[right.Length + 1];
        var last = new int[right.Length + 1];
        var row = new int[right.Length + 1];
        for (var j = 0; j <= right.Length; j++)
        {
            last[j] = j;
        }

        for (var i = 1; i <= left.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var replace = last[j - 1] + (Same(left[i - 1], right[j - 1]) ? 0 : 1);
                row[j] = Math.Min(replace, 1 + Math.Min(last[j], row[j - 1]));
                if (
                    i > 1
                    && j > 1
                    && Same(left[i - 1], right[j - 2])
                    && Same(left[i - 2], right[j - 1])
                )
                {
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
                }
            }

            (before, last, row) = (last, row, before);
        }

        return last[right.Length];
    }

    private static bool IsNear(string typed, string word, (bool HasSlips, int Distance) distance) =>
        !distance.HasSlips
        || distance.Distance <= Math.Max(1, Math.Max(typed.Length, word.Length) / 3);

    // Who stops early has made no slip.
    private static bool IsBeginning(string typed, string word) =>
        typed.Length >= 3 && word.StartsWith(typed, StringComparison.OrdinalIgnoreCase);

    private static bool Same(char a, char b) =>
        char.ToLowerInvariant(a) == char.ToLowerInvariant(b);
}
