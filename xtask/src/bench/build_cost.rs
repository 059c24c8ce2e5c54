//! The cost of a build for each handler: a crate with 100 annotated handlers beside the same crate without the attribute.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

const HANDLERS: usize = 100;
const ROUNDS: usize = 3;

/// A way to build a crate.
struct Build {
    name: &'static str,
    args: &'static [&'static str],
    /// The folder of the binary below the target folder, if there is one.
    profile: Option<&'static str>,
}

const BUILDS: [Build; 3] = [
    Build { name: "`cargo check`", args: &["check"], profile: None },
    Build { name: "dev build", args: &["build"], profile: Some("debug") },
    Build { name: "release build", args: &["build", "--release"], profile: Some("release") },
];

/// The measurements of one build.
#[derive(Clone, Copy)]
struct Cost {
    seconds: f64,
    cpu_seconds: f64,
    /// 0 without a binary.
    megabytes: f64,
}

/// Measures the crates in turn, and prints the medians as a table.
pub(super) fn run(shell: &Shell) -> Result<()> {
    let folder = shell.current_dir().join("target/build-cost");
    let [bare, annotated] = ["bare", "annotated"].map(|kind| Package::write(shell, &folder, kind));
    let packages = [bare?, annotated?];
    println!("\n### {HANDLERS} annotated handlers beside {HANDLERS} bare ones\n");
    println!(
        "| | Bare: s | Annotated: s | Bare: CPU s | Annotated: CPU s | Bare: binary, MB | Annotated: binary, MB |"
    );
    println!("|---|---|---|---|---|---|---|");
    for build in &BUILDS {
        // The first build also builds the dependencies.
        let mut costs = [Vec::new(), Vec::new()];
        for round in 0..=ROUNDS {
            for (package, costs) in packages.iter().zip(&mut costs) {
                let cost = package.build(shell, build)?;
                costs.extend((round > 0).then_some(cost));
            }
        }
        let [bare, annotated] = costs.map(|costs| median(&costs));
        println!("{}", row(build.name, bare, annotated));
    }
    Ok(())
}

fn row(name: &str, bare: Cost, annotated: Cost) -> String {
    let figures: [fn(Cost) -> f64; 3] = [|c| c.seconds, |c| c.cpu_seconds, |c| c.megabytes];
    figures.iter().fold(format!("| {name} |"), |row, figure| {
        let (bare, annotated) = (figure(bare), figure(annotated));
        match bare {
            0.0 => row + "  |  |",
            _ => row + &format!(" {bare:.2} | {annotated:.2} ({:.1} times) |", annotated / bare),
        }
    })
}

fn median(costs: &[Cost]) -> Cost {
    let of = |figure: fn(&Cost) -> f64| {
        let mut figures: Vec<f64> = costs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    Cost {
        seconds: of(|c| c.seconds),
        cpu_seconds: of(|c| c.cpu_seconds),
        megabytes: of(|c| c.megabytes),
    }
}

/// A generated crate.
struct Package {
    folder: PathBuf,
    name: String,
}

impl Package {
    fn write(shell: &Shell, folder: &Path, kind: &str) -> Result<Self> {
        let package = Self { folder: folder.join(kind), name: format!("handlers-{kind}") };
        fs::create_dir_all(package.folder.join("src"))?;
        let root = shell.current_dir();
        fs::copy(root.join("Cargo.lock"), package.folder.join("Cargo.lock"))?;
        let idem = match kind {
            "annotated" => format!("idem-axum.path = {:?}", root.join("idem-axum")),
            _ => String::new(),
        };
        let manifest = format!(
            "[workspace]\n[package]\nname = {:?}\nedition = \"2024\"\n[dependencies]\n\
             axum = \"0.8\"\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\
             tokio = {{ version = \"1\", features = [\"net\", \"rt-multi-thread\"] }}\n{idem}\n",
            package.name
        );
        fs::write(package.folder.join("Cargo.toml"), manifest)?;
        fs::write(package.folder.join("src/main.rs"), source(kind == "annotated"))?;
        Ok(package)
    }

    /// Builds the crate alone, unless its dependencies are missing.
    fn build(&self, shell: &Shell, build: &Build) -> Result<Cost> {
        let (folder, args) = (&self.folder, build.args);
        let main = folder.join("src/main.rs");
        fs::write(&main, fs::read(&main)?)?;
        let target = folder.with_file_name("target");
        let command = cmd!(shell, "cargo {args...} --quiet --manifest-path {folder}/Cargo.toml");
        let command =
            command.quiet().env("CARGO_INCREMENTAL", "0").env("CARGO_TARGET_DIR", &target);
        let (started, cpu) = (Instant::now(), cpu_seconds_of_children()?);
        command.run()?;
        let (seconds, cpu_seconds) =
            (started.elapsed().as_secs_f64(), cpu_seconds_of_children()? - cpu);
        let binary = build.profile.map(|profile| target.join(profile).join(&self.name));
        let bytes = binary.map_or(Ok(0), |binary| binary.metadata().map(|data| data.len()))?;
        Ok(Cost { seconds, cpu_seconds, megabytes: bytes as f64 / 1e6 })
    }
}

/// The source of a crate with its handlers. Each has its own types, as handlers of an application do.
fn source(annotated: bool) -> String {
    let (attribute, state) = match annotated {
        true => (
            "#[idem_axum::idempotent(ttl = \"24h\", scope = \"global\")]\n",
            ".with_state(idem_axum::Idempotency::new(idem_axum::MemoryStore::new()))",
        ),
        false => ("", ""),
    };
    let (mut handlers, mut routes) = (String::new(), String::new());
    for number in 0..HANDLERS {
        let handler = format!(
            "#[derive(serde::Deserialize)]\nstruct New{number} {{ amount: u64, note: String }}\n\
             #[derive(serde::Serialize)]\nstruct Made{number} {{ id: u64, amount: u64, note: String }}\n\
             {attribute}async fn handler_{number}(Json(new): Json<New{number}>) -> (StatusCode, Json<Made{number}>) {{\n\
             (StatusCode::CREATED, Json(Made{number} {{ id: {number}, amount: new.amount, note: new.note }}))\n}}\n"
        );
        handlers += &handler;
        routes += &format!(".route(\"/{number}\", post(handler_{number}))\n");
    }
    format!(
        "use axum::{{Json, Router, http::StatusCode, routing::post}};\n{handlers}\nfn main() {{\n\
         let runtime = tokio::runtime::Runtime::new().unwrap();\nruntime.block_on(async {{\n\
         let app: Router = Router::new()\n{routes}{state};\n\
         let listener = tokio::net::TcpListener::bind(\"127.0.0.1:0\").await.unwrap();\n\
         axum::serve(listener, app).await.unwrap();\n}});\n}}\n"
    )
}

/// Returns the CPU time of all ended children. The unit of the file is a hundredth of a second.
fn cpu_seconds_of_children() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("the measurement requires Linux")?;
    let (_, after_name) = stat.rsplit_once(')').context("malformed stat file")?;
    let ticks = after_name.split_whitespace().skip(13).take(2);
    ticks.map(|field| Ok(field.parse::<f64>()? / 100.0)).sum()
}
