using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Portal.Core.Addresses;
using Portal.Smtp.Protocol;

namespace Portal.Tests.Smtp.Protocol;

public sealed class SmtpPathTests
{
    private static Gen<string> Texts => Gen.Frequency(
        (2, Gen.Elements("<", ">", "@", ":", ",", "\"", "\\", ".", "[", "]", " ", "IPv6:", "%", "!", "+")),
        (3, Gen.Elements("a", "bob", "example.org", "portal.test", "192.0.2.1", "2001:db8::1", "xn--bcher-kva", "bücher", "用户", "postmaster", "-", "_")),
        (1, ArbMap.Default.GeneratorFor<char>().Select(c => c.ToString()))).ListOf().Select(parts => string.Concat(parts));

    private static Gen<string> Paths =>
        from local in Gen.OneOf(
            Gen.Elements("alice", "a.b", "odd%name", "x+y", "用户"),
            Gen.Elements("a b", "q\"q", "back\\slash", "at@at", ".dot", "two..dots").Select(l => $"\"{l.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\""))
        from domain in Gen.Elements("example.org", "Portal.Test", "bücher.example", "[192.0.2.1]", "[IPv6:2001:db8::1]")
        from route in Gen.Elements("", "@relay.example:", "@a.example,@b.example:")
        select $"<{route}{local}@{domain}>";

    [Property(MaxTest = 2000)]
    public Property No_text_breaks_the_parser() =>
        Prop.ForAll(Texts.ToArbitrary(), text =>
        {
            foreach (var whole in new[] { text, "<" + text, $"<{text}>" })
            {
                if (!SmtpPath.TryParse(whole, out var path, out var length)) continue;
                Assert.InRange(length, 2, whole.Length);
                Assert.Equal('>', whole[length - 1]);
                Assert.True(Encoding.UTF8.GetByteCount(path!.LocalPart) <= SmtpPath.MaxLocalPartOctets);
                if (path.Domain.Length == 0) continue;
                Assert.True(SmtpPath.TryParse($"<{path}>", out var again, out _), $"«{path}» was written and can't be read");
                Assert.Equal(path, again);
            }
        });

    [Property(MaxTest = 500)]
    public Property A_path_reads_as_the_same_address_in_the_domain() =>
        Prop.ForAll(Paths.ToArbitrary(), text =>
        {
            Assert.True(SmtpPath.TryParse(text, out var path, out var length));
            Assert.Equal(text.Length, length);
            Assert.True(MailAddress.TryParse(path!.ToString(), out var address), $"«{path}» is an address");
            Assert.Equal(path.LocalPart, address.LocalPart);
        });

    [Property(MaxTest = 2000)]
    public Property No_argument_breaks_a_command() =>
        Prop.ForAll(Texts.ToArbitrary(), Gen.Elements("", " SIZE=", " BODY=8BITMIME", " RET=FULL", " NOTIFY=", " ORCPT=rfc822;", " ENVID=+", "=").ToArbitrary(), (text, parameter) =>
        {
            foreach (var argument in new[] { text, $"FROM:{text}", $"FROM:<{text}>{parameter}", $"FROM:<a@b.example>{parameter}{text}" })
            {
                if (MailArgument.Parse(argument, out var mail) is null) Assert.NotNull(mail.ReversePath);
            }

            foreach (var argument in new[] { text, $"TO:{text}", $"TO:<{text}>{parameter}", $"TO:<a@b.example>{parameter}{text}" })
            {
                if (RcptArgument.Parse(argument, isUtf8: true, out var rcpt) is null) Assert.False(rcpt.ForwardPath.IsNull);
            }

            if (BdatArgument.TryParse(text, out var bdat)) Assert.True(bdat.Octets >= 0);
        });

    [Property(MaxTest = 500)]
    public void Xtext_comes_back(NonNull<string> text)
    {
        var plain = string.Concat(text.Get.Where(c => !char.IsControl(c) && !char.IsSurrogate(c) && c != '\ufffd'));
        Assert.Equal(plain, Xtext.Decode(XtextWriter.Write(plain)));
    }
}
