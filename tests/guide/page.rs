//! A page of words, files and consoles. In: Markdown. Out: its blocks; joined they are the page again.

pub struct Page {
    pub text: String,
    pub blocks: Vec<Block>,
}

pub enum Block {
    Words(String),
    /// A fenced block `toml NAME`, `toml NAME after WORDS` or `toml NAME replaces WORDS`.
    File {
        name: String,
        edit: Edit,
        content: String,
        /// As it stands on the page, fences included.
        written: String,
    },
    /// A fenced block `console`: lines that begin with `$ ` are run.
    Console {
        commands: Vec<String>,
    },
}

/// How a file grows.
pub enum Edit {
    /// At its end, after an empty line.
    Append,
    /// Behind the first line with these words.
    After(String),
    /// In the place of these words.
    Replaces(String),
}

impl Edit {
    pub fn apply(&self, before: &str, content: &str) -> String {
        match self {
            Edit::Append if before.is_empty() => content.to_owned(),
            Edit::Append => format!("{before}\n{content}"),
            Edit::After(words) => {
                let at = before.find(words.as_str()).unwrap_or_else(|| panic!("no line with {words:?} in\n{before}"));
                let end = before[at..].find('\n').map_or(before.len(), |length| at + length + 1);
                format!("{}{content}{}", &before[..end], &before[end..])
            }
            Edit::Replaces(words) => {
                assert!(before.contains(words.as_str()), "no {words:?} in\n{before}");
                before.replacen(words.as_str(), content.trim_end(), 1)
            }
        }
    }
}

impl Page {
    pub fn parse(text: &str) -> Self {
        let mut blocks = Vec::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(info) = line.strip_prefix("```") else {
                blocks.push(Block::Words(format!("{line}\n")));
                continue;
            };
            let content: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let whole = content.iter().fold(String::new(), |whole, line| whole + line + "\n");
            let written = format!("{line}\n{whole}```\n");
            let block = match info.split_once(' ') {
                Some(("toml", rest)) => file(rest, whole, written),
                None if info == "console" => {
                    let commands = content.iter().filter_map(|line| line.strip_prefix("$ ").map(str::to_owned));
                    Block::Console { commands: commands.collect() }
                }
                Some(_) | None => Block::Words(written),
            };
            blocks.push(block);
        }
        Page { text: text.to_owned(), blocks }
    }
}

fn file(info: &str, content: String, written: String) -> Block {
    let (name, edit) = match info.split_once(' ') {
        None => (info, Edit::Append),
        Some((name, rest)) => match rest.split_once(' ') {
            Some(("after", words)) => (name, Edit::After(words.to_owned())),
            Some(("replaces", words)) => (name, Edit::Replaces(words.to_owned())),
            _ => panic!("{info:?} says neither what it comes after nor what it replaces"),
        },
    };
    Block::File { name: name.to_owned(), edit, content, written }
}
