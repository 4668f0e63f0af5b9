namespace Portal.Smtp.Protocol;

/// <summary>Measures content as it flows, in any pieces: line lengths, the header's size, and CR or LF that stands alone (RFC 5321 §2.3.8).</summary>
public sealed class ContentScan
{
    private bool afterCr;
    private int line;

    /// <summary>Octets of the longest line so far, without its CRLF.</summary>
    public int LongestLine { get; private set; }

    /// <summary>Whether a CR or LF stood alone.</summary>
    public bool HasBareBreak { get; private set; }

    /// <summary>Octets of the header section with the empty line that ends it; all octets as long as it has not ended.</summary>
    public long HeaderBytes { get; private set; }

    public bool IsHeaderComplete { get; private set; }

    public void Scan(ReadOnlySpan<byte> content)
    {
        while (content.Length > 0)
        {
            if (afterCr)
            {
                afterCr = false;
                if (content[0] == '\n')
                {
                    EndLine();
                    content = content[1..];
                    continue;
                }

                HasBareBreak = true;
            }

            var next = content.IndexOfAny((byte)'\r', (byte)'\n');
            if (next < 0)
            {
                Count(content.Length);
                return;
            }

            Count(next);
            if (content[next] == '\r')
            {
                afterCr = true;
                if (!IsHeaderComplete) HeaderBytes++;
            }
            else
            {
                HasBareBreak = true;
                Count(1);
            }

            content = content[(next + 1)..];
        }
    }

    /// <summary>Says that no more content comes.</summary>
    public void Complete() => HasBareBreak |= afterCr;

    private void Count(int octets)
    {
        line += octets;
        LongestLine = Math.Max(LongestLine, line);
        if (!IsHeaderComplete) HeaderBytes += octets;
    }

    private void EndLine()
    {
        if (!IsHeaderComplete)
        {
            HeaderBytes++;
            IsHeaderComplete = line == 0;
        }

        line = 0;
    }
}
