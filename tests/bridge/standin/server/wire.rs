//! A TCP connection that can be reset in the middle of what is written. In: a stream and what goes wrong. Out: a stream.

use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::super::Failing;
use super::Faults;

pub struct Wire {
    /// None once it was cut.
    stream: Option<TcpStream>,
    faults: Arc<Faults>,
}

impl Wire {
    pub fn new(stream: TcpStream, faults: Arc<Faults>) -> Self {
        Wire { stream: Some(stream), faults }
    }

    /// The other side gets a reset, not an end.
    fn cut(&mut self) -> Error {
        if let Some(stream) = self.stream.take() {
            let _ = stream.set_zero_linger();
        }
        Error::from(ErrorKind::ConnectionReset)
    }

    fn stream(&mut self) -> Result<Pin<&mut TcpStream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| Error::from(ErrorKind::ConnectionReset))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.faults.now() == Failing::Down {
            self.cut();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        if self.faults.now() == Failing::Down {
            return Poll::Ready(Err(self.cut()));
        }
        ready!(self.stream()?.poll_read(context, buffer))?;
        // Bytes that arrived on an idle connection after the backend went down are not taken.
        if self.faults.now() == Failing::Down {
            return Poll::Ready(Err(self.cut()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        match self.faults.now() {
            Failing::Down => Poll::Ready(Err(self.cut())),
            Failing::Reset => {
                if let Some(stream) = &self.stream {
                    let _ = stream.try_write(&bytes[..bytes.len() / 2]);
                }
                Poll::Ready(Err(self.cut()))
            }
            _ => self.stream()?.poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.stream()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.stream()?.poll_shutdown(context)
    }
}
