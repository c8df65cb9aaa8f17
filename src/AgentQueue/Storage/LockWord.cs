namespace AgentQueue.Storage;

/// <summary>See <see cref="QueueFolder.Say"/>; several may be said.</summary>
[Flags]
internal enum LockWord
{
    Cancel = 1,
    Expire = 2,

    /// <summary>The attempt is over and its processes gone, but there is no room to record that.</summary>
    Ended = 4,

    /// <summary>It was ended because it was silent for too long.</summary>
    Stalled = 8,
}

/// <summary>
/// A lock whose file is removed while it is still held: whoever then locks the removed file notices that
/// the name no longer leads to it, and begins again.
/// </summary>
internal sealed class PassingLock(HeldLock held, IDisk disk, string path) : HeldLock
{
    public override nint Descriptor => held.Descriptor;

    /// <summary>Its file stays, with what its time says: see <see cref="QueueFolder.Say"/>.</summary>
    public bool Stays { get; set; }

    public override void Dispose()
    {
        if (!Stays)
        {
            disk.RemoveLock(held, path);
        }

        held.Dispose();
    }
}
