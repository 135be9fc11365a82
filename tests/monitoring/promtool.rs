//! The page of a running gateway through `promtool check metrics`, which knows Prometheus' rules for names and units.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::harness::Gateway;
use crate::page::Page;
use crate::traffic;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs promtool of the Debian package prometheus: ./test.sh runs it"]
async fn the_page_is_to_the_rules() {
    let gateway = Gateway::start("").await;
    traffic::some(&gateway).await;
    let page = Page::of(&gateway).await;
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool");
    promtool.stdin.take().expect("piped").write_all(page.text().as_bytes()).await.expect("read");
    let said = promtool.wait_with_output().await.expect("an end");
    let words = [said.stdout, said.stderr].concat();
    assert!(said.status.success() && words.is_empty(), "{}", String::from_utf8_lossy(&words));
}
