//! A proxy before the S3 server that answers some requests itself.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the proxy does with a request instead of passing it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Answers with this status and does not pass the request on.
    Answer(u16),
    /// Passes the request on and closes the connection without the answer.
    LoseAnswer,
    /// Closes the connection in the middle of the answer.
    CutAnswer,
}

struct Rule {
    matches: fn(&str) -> bool,
    times: usize,
    trouble: Trouble,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    requests: Vec<String>,
}

/// A proxy on a port of its own; it ends with the test.
///
/// It decides conditional writes one after the other, as S3 does; the test server itself looks first and writes then.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    pub(crate) fn start(server: &str) -> Self {
        let server: SocketAddr = server.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state: Arc<Mutex<State>> = Arc::default();
        let conditional: Arc<Mutex<()>> = Arc::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (state, conditional) = (Arc::clone(&shared), Arc::clone(&conditional));
                // A broken connection is what some of the tests are about.
                std::thread::spawn(move || drop(serve(client.unwrap(), server, &state, &conditional)));
            }
        });
        Self { address, state }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes trouble for the next `times` requests whose head matches.
    pub(crate) fn trouble(&self, times: usize, trouble: Trouble, matches: fn(&str) -> bool) {
        self.state.lock().unwrap().rules.push(Rule { matches, times, trouble });
    }

    /// The first lines of the requests since the last call.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }
}

fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    state: &Mutex<State>,
    conditional: &Mutex<()>,
) -> std::io::Result<()> {
    let (head, body) = read_request(&mut client)?;
    let trouble = {
        let mut state = state.lock().unwrap();
        state.requests.push(head.lines().next().unwrap_or_default().to_owned());
        state.rules.iter_mut().find(|rule| rule.times > 0 && (rule.matches)(&head)).map(|rule| {
            rule.times -= 1;
            rule.trouble
        })
    };
    if let Some(Trouble::Answer(status)) = trouble {
        return write!(client, "HTTP/1.1 {status} Trouble\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }
    let answer = {
        let _turn = head.contains("if-none-match").then(|| conditional.lock().unwrap());
        ask(server, &head, &body)?
    };
    match trouble {
        Some(Trouble::LoseAnswer) => Ok(()),
        Some(Trouble::CutAnswer) => client.write_all(&answer[..answer.len() - 10]),
        _ => client.write_all(&answer),
    }
}

fn read_request(client: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let mut read = |bytes: &mut Vec<u8>| -> std::io::Result<()> {
        match client.read(&mut buffer)? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => {
                bytes.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    };
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        read(&mut bytes)?;
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length: usize = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:").map(|n| n.trim().parse().unwrap())
        })
        .unwrap_or(0);
    while bytes.len() < end + 4 + length {
        read(&mut bytes)?;
    }
    Ok((head, bytes.split_off(end + 4)))
}

fn ask(server: SocketAddr, head: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server)?;
    stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
