//! The page of `/metrics`, read as Prometheus reads it. In: its text. Out: families, series, values.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::harness::{Gateway, PATIENCE, http};

pub struct Page {
    text: String,
}

impl Page {
    pub async fn of(gateway: &Gateway) -> Self {
        let answer = http::get(gateway.admin, "/metrics", &[]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        Page { text: String::from_utf8(answer.body).expect("UTF-8") }
    }

    /// The page once it shows this: some counts follow a moment after what they count.
    pub async fn once(gateway: &Gateway, shows: impl Fn(&Page) -> bool) -> Self {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let page = Page::of(gateway).await;
            if shows(&page) {
                return page;
            }
            assert!(tokio::time::Instant::now() < until, "it does not come to that:\n{}", page.text);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The type of each family, by its name.
    pub fn families(&self) -> BTreeMap<&str, &str> {
        self.text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect()
    }

    /// Names with labels, as written.
    pub fn series(&self) -> BTreeSet<&str> {
        self.samples().map(|(series, _)| series).collect()
    }

    /// The value of a series; 0 where there is none.
    pub fn value(&self, series: &str) -> f64 {
        self.samples().find(|(name, _)| *name == series).map_or(0.0, |(_, value)| value)
    }

    fn samples(&self) -> impl Iterator<Item = (&str, f64)> {
        let lines = self.text.lines().filter(|line| !line.starts_with('#'));
        // A label's value may have blanks, the sample's value has none.
        lines.filter_map(|line| line.rsplit_once(' ')).map(|(series, value)| (series, value.parse().expect("a number")))
    }
}
