using System.Runtime.InteropServices;

namespace Portal.Web.Hosting;

/// <summary>
/// glibc's malloc gives threads arenas of their own, eight a core, and returns little of what they once held. SQLite and OpenSSL
/// allocate there in short bursts on many threads: two arenas hold the same, 20 MB smaller and no slower (bench/RESULTS.md).
/// </summary>
internal static class NativeMemory
{
    private const int ArenaMax = -8;   // M_ARENA_MAX of glibc's malloc.h
    private const int Arenas = 2;

    /// <summary>Bounds the arenas; called before threads have made any. MALLOC_ARENA_MAX in the environment goes first; another C library has none.</summary>
    public static void Bound()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("MALLOC_ARENA_MAX") is not null) return;
        if (NativeLibrary.TryLoad("libc.so.6", out var library) && NativeLibrary.TryGetExport(library, "mallopt", out var entry))
            Marshal.GetDelegateForFunctionPointer<Mallopt>(entry)(ArenaMax, Arenas);
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Mallopt(int parameter, int value);
}
