//! Headless Chromium, used by keyboard.

use std::path::{Path, PathBuf};

use idem_testkit::servers::ChromeDriver;
use serde_json::json;
use thirtyfour::action_chain::ActionChain;
use thirtyfour::prelude::*;

/// The largest number of keystrokes between two parts of a page.
const MAX_TABS: usize = 60;

/// A page that shows whether scripts run.
const SCRIPT: &str = "data:text/html,<title>none</title><script>document.title='ran'</script>";

/// The screen and the preferences of a person.
#[derive(Clone, Copy)]
pub(crate) enum Look {
    /// A phone of 360 px.
    Narrow,
    WideAndDark,
}

pub(crate) struct Browser {
    driver: WebDriver,
    width: u64,
    _chrome: ChromeDriver,
}

impl Browser {
    pub(crate) async fn start(look: Look) -> Self {
        let chrome = ChromeDriver::start();
        let mut capabilities = DesiredCapabilities::chrome();
        for arg in chrome.browser_args("profile") {
            capabilities.add_arg(&arg).unwrap();
        }
        let scheme = if matches!(look, Look::WideAndDark) { 0 } else { 1 };
        let scheme = format!("--blink-settings=preferredColorScheme={scheme}");
        capabilities.add_arg(&scheme).unwrap();
        let no_scripts = json!({ "profile.managed_default_content_settings.javascript": 2 });
        capabilities.add_experimental_option("prefs", no_scripts).unwrap();
        let (width, height) = match look {
            Look::Narrow => (360, 1_300),
            Look::WideAndDark => (1_280, 1_100),
        };
        let metrics =
            json!({ "width": width, "height": height, "pixelRatio": 1.0, "mobile": false });
        let emulation = json!({ "deviceMetrics": metrics });
        capabilities.add_experimental_option("mobileEmulation", emulation).unwrap();
        let driver = WebDriver::new(chrome.url(), capabilities).await.unwrap();
        Self { driver, width, _chrome: chrome }
    }

    pub(crate) async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    pub(crate) async fn end(self) {
        self.driver.quit().await.unwrap();
    }

    /// Waits for a page with this heading.
    pub(crate) async fn heading(&self, text: &str) {
        self.find(&format!("//h1[starts-with(normalize-space(), '{text}')]")).await;
    }

    /// Waits for a page that contains this text.
    pub(crate) async fn text(&self, text: &str) {
        self.find(&format!("//main//*[contains(normalize-space(), '{text}')]")).await;
    }

    async fn find(&self, path: &str) {
        if let Err(error) = self.driver.query(By::XPath(path)).first().await {
            panic!("{path}: {error}\n{}", self.driver.source().await.unwrap());
        }
    }

    /// Types.
    pub(crate) async fn press(&self, keys: impl Into<TypingData>) {
        self.driver.action_chain().send_keys(keys).perform().await.unwrap();
    }

    /// Presses Tab until the element has the focus. `name` is its id or name, or the beginning of its text.
    pub(crate) async fn focus(&self, tag: &str, name: &str) {
        self.focus_with(tag, name, |driver| driver.action_chain().send_keys(Key::Tab)).await;
    }

    /// Presses Shift and Tab until the element has the focus.
    pub(crate) async fn focus_back(&self, tag: &str, name: &str) {
        let back = |driver: &WebDriver| {
            driver.action_chain().key_down(Key::Shift).send_keys(Key::Tab).key_up(Key::Shift)
        };
        self.focus_with(tag, name, back).await;
    }

    async fn focus_with(&self, tag: &str, name: &str, step: impl Fn(&WebDriver) -> ActionChain) {
        for _ in 0..MAX_TABS {
            let active = self.driver.active_element().await.unwrap();
            if active.tag_name().await.unwrap() == tag {
                let (id, own) = (active.id().await.unwrap(), active.attr("name").await.unwrap());
                let text = active.text().await.unwrap();
                if [id, own].contains(&Some(name.to_owned())) || text.starts_with(name) {
                    return self.assert_focus_is_visible(&active).await;
                }
            }
            step(&self.driver).perform().await.unwrap();
        }
        panic!("no {tag} {name} within {MAX_TABS} steps:\n{}", self.driver.source().await.unwrap());
    }

    async fn assert_focus_is_visible(&self, element: &WebElement) {
        let style = element.css_value("outline-style").await.unwrap();
        assert_eq!(style, "solid", "{:?}", element.outer_html().await);
    }

    /// Keeps a picture of the page, and checks that it fits the screen.
    pub(crate) async fn screenshot(&self, name: &str) {
        self.driver.screenshot(&screenshots().join(format!("{name}.png"))).await.unwrap();
        // The heads of a table are only for screen readers if its rows are cards.
        let visible = By::Css("header *, main :not(thead, thead *)");
        for element in self.driver.find_all(visible).await.unwrap() {
            let rect = element.rect().await.unwrap();
            let (left, right) = (rect.x, rect.x + rect.width);
            let fits = left >= 0.0 && right <= self.width as f64 + 0.5;
            assert!(fits, "{name}: {left} to {right} px: {:?}", element.outer_html().await);
        }
    }

    pub(crate) async fn assert_without_scripts(&self) {
        let page = self.driver.current_url().await.unwrap();
        self.open(SCRIPT).await;
        assert_eq!(self.driver.title().await.unwrap(), "none", "scripts are not disabled");
        self.open(page.as_str()).await;
    }

    pub(crate) async fn assert_dark(&self) {
        let body = self.driver.find(By::Css("body")).await.unwrap();
        let colour = body.css_value("background-color").await.unwrap();
        assert!(colour.contains("20, 23, 27"), "{colour}");
    }
}

/// The folder of the pictures, in the target directory.
fn screenshots() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
