#!/usr/bin/env python3
"""A name server for checks.sh: dns.py PORT KEY.pem. The sender's domain client.test has SPF, a DKIM key and DMARC, 127.0.0.1 has a name. UDP, loopback."""
import base64, socket, struct, subprocess, sys

der = subprocess.run(["openssl", "pkey", "-in", sys.argv[2], "-pubout", "-outform", "DER"], capture_output=True, check=True).stdout
TEXTS = {
    "client.test": "v=spf1 ip4:127.0.0.1 -all",
    "_dmarc.client.test": "v=DMARC1; p=reject",
    "bench._domainkey.client.test": "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode(),
}
A, PTR, TXT = 1, 12, 16
encode = lambda name: b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0"


def answers(name, kind):
    if kind == TXT and name in TEXTS:
        text = TEXTS[name].encode()
        return [b"".join(bytes([len(text[i:i + 255])]) + text[i:i + 255] for i in range(0, len(text), 255))]
    if kind == PTR and name == "1.0.0.127.in-addr.arpa": return [encode("client.test")]
    if kind == A and name == "client.test": return [socket.inet_aton("127.0.0.1")]
    return []


# What is not there is remembered for as long as the zone says (RFC 2308 §5).
SOA = encode("client.test") + struct.pack(">HHIH", 6, 1, 300, 0)
soa = encode("ns.client.test") + encode("postmaster.client.test") + struct.pack(">IIIII", 1, 3600, 600, 86400, 300)
SOA = SOA[:-2] + struct.pack(">H", len(soa)) + soa

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    query, client = server.recvfrom(4096)
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1").lower())
        at += query[at] + 1
    end, kind = at + 5, struct.unpack(">H", query[at + 1:at + 3])[0]
    found = answers(".".join(labels), kind)
    known = found or ".".join(labels) in ("client.test",)
    head = query[:2] + struct.pack(">HHHHH", 0x8580 if known else 0x8583, 1, len(found), 0 if found else 1, 0)
    server.sendto(head + query[12:end] + b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 300, len(data)) + data for data in found) + (b"" if found else SOA), client)
