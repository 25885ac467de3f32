//! The helper of the sandbox as a program of its own, and a program that misbehaves in ways for which
//! there is no common tool. For the tests of this crate.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if std::env::args().nth(1).as_deref() != Some("try") {
        return ExitCode::from(pleach_exec::helper(arguments));
    }
    let what = arguments.nth(1).unwrap_or_default();
    let argument = arguments.next().unwrap_or_default();
    let done = match what.as_str() {
        "tcp" => TcpStream::connect(argument.parse::<SocketAddr>().unwrap()).map(drop),
        "udp" => UdpSocket::bind("127.0.0.1:0").map(drop),
        "listen" => std::net::TcpListener::bind("127.0.0.1:0").map(drop),
        #[cfg(unix)]
        "unix" => std::os::unix::net::UnixStream::connect(argument).map(drop),
        #[cfg(unix)]
        "pair" => std::os::unix::net::UnixStream::pair().map(drop),
        "memory" => {
            let mut held = Vec::new();
            for block in 0..4096_u32 {
                let mut bytes = Vec::new();
                // A bound that is told, rather than one that kills.
                if bytes.try_reserve_exact(1 << 20).is_err() {
                    println!("no more than {block} MiB");
                    return ExitCode::from(3);
                }
                bytes.resize(1 << 20, 1_u8);
                held.push(bytes);
            }
            Ok(())
        }
        // Each starts two, and so on.
        "forks" => loop {
            let me = std::env::current_exe().unwrap();
            for _ in 0..2 {
                let _started = Command::new(&me).args(["try", "forks"]).spawn().is_ok();
            }
            std::thread::park();
        },
        _ => Err(std::io::Error::other("there is no such test")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::from(1)
        }
    }
}
