//! `idem console`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use idem_core::UnknownReason;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

use crate::command::idem;
use crate::service::{Service, on_every_store};

/// A console that is killed when dropped.
struct Console(Child);

impl Drop for Console {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Starts the console of a service, and returns the address that it prints.
fn start(service: &Service, arguments: &[&str]) -> (Console, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_idem"));
    command.args(service.arguments()).args(["console", "--listen", "127.0.0.1:0"]).args(arguments);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("open ").unwrap_or_else(|| panic!("{line}")).to_owned();
    (Console(child), url)
}

/// Only the browser that opens the printed address is served, and not other users of the machine.
#[test]
fn console_serves_the_browser_that_has_its_code() {
    on_every_store(|service| {
        let id = service.unknown(rand::random(), UnknownReason::Ambiguous);
        let (_console, url) = start(service, &["--read-only", "--actor", "ada@ops"]);
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        let (base, _) = url.split_once("/open").unwrap();
        service.block_on(async {
            let get = async |path: &str, cookie: &str| {
                let request = client.get(format!("{base}{path}")).header(COOKIE, cookie);
                let response = request.send().await.unwrap();
                (response.status(), response.text().await.unwrap())
            };
            for cookie in ["", "idem-console=", "idem-console=0123456789abcdef0123456789abcdef"] {
                let (status, text) = get("/", cookie).await;
                assert_eq!(status, StatusCode::FORBIDDEN, "{text}");
                assert!(text.starts_with("open the address that `idem console` printed"), "{text}");
            }
            let wrong = client.get(format!("{base}/open?code=1")).send().await.unwrap();
            assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
            let opened = client.get(&url).send().await.unwrap();
            assert_eq!(
                (opened.status(), &opened.headers()[LOCATION]),
                (StatusCode::SEE_OTHER, &"/".parse().unwrap())
            );
            let cookie = opened.headers()[SET_COOKIE].to_str().unwrap();
            assert!(cookie.ends_with("HttpOnly; SameSite=Strict"), "{cookie}");
            let cookie = format!("other=1; {}", cookie.split(';').next().unwrap());
            let (status, text) = get("/unknown", &cookie).await;
            assert_eq!(status, StatusCode::OK, "{text}");
            assert!(text.contains(&id) && text.contains("ada@ops (read only)"), "{text}");
        });
    });
}

#[test]
fn console_listens_only_on_the_loopback_interface() {
    on_every_store(|service| {
        for address in ["0.0.0.0:7070", "192.0.2.1:7070", "[::]:7070"] {
            let output = service.idem(&["console", "--listen", address]);
            assert_eq!(output.code, 2, "{output:?}");
            assert!(output.stderr.contains("is not a loopback address"), "{output:?}");
        }
    });
    let output = idem(&["console", "--listen", "everywhere"]);
    assert_eq!(output.code, 2, "{output:?}");
}
