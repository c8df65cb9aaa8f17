namespace AgentQueue;

/// <summary>
/// In the place of what <see cref="Enumerable"/> offers under the same names: the code of this program finds these
/// first. Theirs asks the sequence to make the next one, by a generic virtual method, of which a native compiler has
/// to make one for each kind of element and each kind of result that there is: two thirds of the executable were
/// that.
/// </summary>
internal static class Sequences
{
    /// <inheritdoc cref="Enumerable.Select{TSource, TResult}(IEnumerable{TSource}, Func{TSource, TResult})"/>
    public static IEnumerable<TResult> Select<TSource, TResult>(
        this IEnumerable<TSource> source,
        Func<TSource, TResult> selector
    )
    {
        foreach (var item in source)
        {
            yield return selector(item);
        }
    }
}
