//! The header of the PROXY protocol, versions 1 and 2. In: a connection from a proxy that begins with one. Out: who is
//! behind the proxy; not a byte more than the header is read.

use std::net::IpAddr;

use proxy_header::{ParseConfig, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::Lost;

/// The first 12 bytes of version 2.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of version 1, its end included.
const LONGEST_LINE: usize = 107;
/// Bytes of addresses and extensions of version 2 that are read.
const LONGEST_REST: usize = 4096;

/// Reads the header. `None`: the proxy speaks for itself (a health check), or does not know.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<IpAddr>, Lost> {
    let lost = |_| Lost::ProxyHeader;
    let mut header = vec![0; SIGNATURE.len()];
    stream.read_exact(&mut header).await.map_err(lost)?;
    if header == SIGNATURE {
        header.resize(16, 0);
        stream.read_exact(&mut header[12..]).await.map_err(lost)?;
        let rest = usize::from(u16::from_be_bytes([header[14], header[15]]));
        if rest > LONGEST_REST {
            return Err(Lost::ProxyHeader);
        }
        header.resize(16 + rest, 0);
        stream.read_exact(&mut header[16..]).await.map_err(lost)?;
    } else if header.starts_with(b"PROXY ") {
        while !header.ends_with(b"\r\n") {
            if header.len() == LONGEST_LINE {
                return Err(Lost::ProxyHeader);
            }
            header.push(stream.read_u8().await.map_err(lost)?);
        }
    } else {
        return Err(Lost::ProxyHeader);
    }
    let (parsed, length) = ProxyHeader::parse(&header, ParseConfig::default()).map_err(|_| Lost::ProxyHeader)?;
    debug_assert_eq!(length, header.len());
    Ok(parsed.proxied_address().map(|address| address.source.ip().to_canonical()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_of(bytes: &[u8]) -> (Result<Option<String>, Lost>, Vec<u8>) {
        let mut rest = bytes;
        let read = super::read(&mut rest).await;
        (read.map(|address| address.map(|address| address.to_string())), rest.to_vec())
    }

    /// A header of version 2: command, family and protocol, addresses and extensions.
    fn second(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE.as_slice(), &[0x20 | command, family], &length, rest].concat()
    }

    #[tokio::test]
    async fn headers_of_both_versions_are_read_and_nothing_after_them() {
        let four = [&[198, 51, 100, 9, 10, 0, 0, 1, 0x12, 0x67, 0, 80][..], &[0x03, 0, 4, 1, 2, 3, 4]].concat();
        let mut six = vec![0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        six.extend([0; 16]);
        six.extend([0x12, 0x67, 0, 80]);
        for (header, expected) in [
            (b"PROXY TCP4 198.51.100.9 10.0.0.1 4711 80\r\n".to_vec(), Some("198.51.100.9")),
            (b"PROXY TCP6 2001:db8::1 ::1 4711 80\r\n".to_vec(), Some("2001:db8::1")),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (second(1, 0x11, &four), Some("198.51.100.9")),
            (second(1, 0x21, &six), Some("2001:db8::1")),
            (second(0, 0x00, &[]), None),
        ] {
            let (read, rest) = read_of(&[header.as_slice(), b"GET / HTTP/1.1"].concat()).await;
            assert_eq!(read, Ok(expected.map(str::to_owned)), "{}", header.escape_ascii());
            assert_eq!(rest, b"GET / HTTP/1.1", "{}", header.escape_ascii());
        }
    }

    #[tokio::test]
    async fn what_is_none_is_refused() {
        let endless = [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat();
        for header in [
            &b""[..],
            b"GET / HTTP/1.1\r\n\r\n",
            b"PROXY TCP4 here there 1 2\r\n",
            b"PROXY TCP4 198.51.100.9 10.0.0.1 4711",
            &endless,
            &second(1, 0x11, &[1, 2, 3]),
            &second(1, 0x11, &[0; 5000]),
            &[SIGNATURE.as_slice(), &[0x31, 0x11, 0, 0]].concat(),
        ] {
            assert_eq!(read_of(header).await.0, Err(Lost::ProxyHeader), "{}", header.escape_ascii());
        }
    }
}
