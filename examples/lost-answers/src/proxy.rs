//! A network on one address: it carries every request and loses most answers.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, spawn};

/// Carries connections to a server until it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    task: AbortHandle,
}

/// What becomes of the answer on one connection.
#[derive(Clone, Copy)]
enum Fate {
    Swallowed,
    CutOff,
    Reset,
    Delivered,
}

/// One after the other, and again.
const FATES: [Fate; 4] = [Fate::Swallowed, Fate::CutOff, Fate::Reset, Fate::Delivered];

impl Proxy {
    pub(crate) async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let task = spawn(carry_all(listener, server)).abort_handle();
        Ok(Self { address, task })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry_all(listener: TcpListener, server: SocketAddr) -> io::Result<()> {
    for fate in FATES.into_iter().cycle() {
        let (client, _) = listener.accept().await?;
        spawn(carry(client, server, fate));
    }
    Ok(())
}

async fn carry(mut client: TcpStream, server: SocketAddr, fate: Fate) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    tokio::select! {
        requests = copy(&mut from_client, &mut to_server) => requests.map(drop),
        answers = async {
            // Only what was answered can be lost: by then the work is done.
            let mut answer = vec![0; 64 * 1024];
            let length = from_server.read(&mut answer).await?;
            match fate {
                Fate::Swallowed | Fate::Reset => Ok(()),
                Fate::CutOff => to_client.write_all(&answer[..length.saturating_sub(1)]).await,
                Fate::Delivered => {
                    to_client.write_all(&answer[..length]).await?;
                    copy(&mut from_server, &mut to_client).await.map(drop)
                }
            }
        } => answers,
    }?;
    if let Fate::Reset = fate {
        client.set_zero_linger()?;
    }
    Ok(())
}
