//! A TCP proxy that forwards every request and loses three responses of four.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, spawn};

/// Forwards connections to a server until it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    task: AbortHandle,
}

/// The handling of the response on one connection.
#[derive(Clone, Copy)]
enum Fate {
    Dropped,
    Truncated,
    Reset,
    Delivered,
}

/// The fates of successive connections. They repeat after the last one.
const FATES: [Fate; 4] = [Fate::Dropped, Fate::Truncated, Fate::Reset, Fate::Delivered];

impl Proxy {
    pub(crate) async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let task = spawn(forward_all(listener, server)).abort_handle();
        Ok(Self { address, task })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward_all(listener: TcpListener, server: SocketAddr) -> io::Result<()> {
    for fate in FATES.into_iter().cycle() {
        let (client, _) = listener.accept().await?;
        spawn(forward(client, server, fate));
    }
    Ok(())
}

async fn forward(mut client: TcpStream, server: SocketAddr, fate: Fate) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    tokio::select! {
        requests = copy(&mut from_client, &mut to_server) => requests.map(drop),
        responses = async {
            // Wait for the response before it is lost: the server has done the work at that point.
            let mut response = vec![0; 64 * 1024];
            let length = from_server.read(&mut response).await?;
            match fate {
                Fate::Dropped | Fate::Reset => Ok(()),
                Fate::Truncated => to_client.write_all(&response[..length.saturating_sub(1)]).await,
                Fate::Delivered => {
                    to_client.write_all(&response[..length]).await?;
                    copy(&mut from_server, &mut to_client).await.map(drop)
                }
            }
        } => responses,
    }?;
    if let Fate::Reset = fate {
        client.set_zero_linger()?;
    }
    Ok(())
}
