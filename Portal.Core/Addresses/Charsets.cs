using System.Runtime.CompilerServices;
using System.Text;

namespace Portal.Core.Addresses;

/// <summary>Mail comes in GB 2312, Big5, Shift JIS and many more; .NET knows them only once told.</summary>
internal static class Charsets
{
    [ModuleInitializer]
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Usage", "CA2255", Justification = "Every reader of mail in this assembly needs it, also one made without the services.")]
    internal static void Register() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
}
