//! A connection that can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Passes TCP connections on to a server until it is cut; then those that are open end, and new ones end at once.
///
/// It lasts until the process ends.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    cut: bool,
    open: Vec<TcpStream>,
    refused: usize,
}

impl Link {
    /// A link to the server at `server`.
    ///
    /// # Panics
    /// When there is no port to listen on.
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("the listener has an address");
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A client or a server that is gone is what the link is about.
                let _ = connect(client, server, &shared);
            }
        });
        Self { address, state }
    }

    /// Where to connect instead of to the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections and lets no new one through.
    pub fn cut(&self) {
        let mut state = lock(&self.state);
        state.cut = true;
        for stream in state.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets new connections through again.
    pub fn mend(&self) {
        lock(&self.state).cut = false;
    }

    /// How many connections were asked for while the link was cut.
    pub fn refused(&self) -> usize {
        lock(&self.state).refused
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(client: TcpStream, server: SocketAddr, state: &Mutex<State>) -> std::io::Result<()> {
    let mut held = lock(state);
    if held.cut {
        held.refused += 1;
        return client.shutdown(Shutdown::Both);
    }
    let server = TcpStream::connect(server)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        held.open.push(stream.try_clone()?);
    }
    drop(held);
    pass_on(client.try_clone()?, server.try_clone()?);
    pass_on(server, client);
    Ok(())
}

/// Passes on what comes from `from` until it ends, on a thread of its own.
fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_link_ends_what_is_open_and_what_comes() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let link = Link::to(server.local_addr().unwrap());
        std::thread::spawn(move || {
            for mut stream in server.incoming().flatten() {
                std::thread::spawn(move || {
                    let mut byte = [0];
                    while let Ok(1) = stream.read(&mut byte) {
                        stream.write_all(&byte).unwrap();
                    }
                });
            }
        });
        let echo = |stream: &mut TcpStream| -> std::io::Result<u8> {
            stream.write_all(b"x")?;
            let mut byte = [0];
            stream.read_exact(&mut byte).map(|()| byte[0])
        };
        let mut open = TcpStream::connect(link.address()).unwrap();
        assert_eq!(echo(&mut open).unwrap(), b'x');
        link.cut();
        echo(&mut open).unwrap_err();
        echo(&mut TcpStream::connect(link.address()).unwrap()).unwrap_err();
        assert_eq!(link.refused(), 1);
        link.mend();
        assert_eq!(echo(&mut TcpStream::connect(link.address()).unwrap()).unwrap(), b'x');
    }
}
