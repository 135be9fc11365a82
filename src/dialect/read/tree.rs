//! The key tree: every place that any shape of a direction names, so that one pass finds them all.

/// A place in a frame. Node 0 is the frame itself; a node's index is also the index of what is captured there.
#[derive(Debug, Default)]
pub struct KeyTree {
    nodes: Vec<Place>,
}

#[derive(Debug, Default)]
struct Place {
    children: Vec<(Box<str>, usize)>,
    /// Elements of an array, by their place in it.
    items: Vec<usize>,
    /// The bytes are kept as they are, whatever they are.
    raw: bool,
}

impl KeyTree {
    pub fn root(&mut self) -> usize {
        if self.nodes.is_empty() {
            self.nodes.push(Place::default());
        }
        0
    }

    /// The place below `parent` at `key`, made if it is new.
    pub fn child(&mut self, parent: usize, key: &str) -> usize {
        if let Some(found) = self.find(parent, key, &mut 0) {
            return found;
        }
        let at = self.nodes.len();
        self.nodes.push(Place::default());
        self.nodes[parent].children.push((key.into(), at));
        at
    }

    /// The place of an element of the array at `parent`, made if it is new.
    pub fn item(&mut self, parent: usize, index: usize) -> usize {
        while self.nodes[parent].items.len() <= index {
            let at = self.nodes.len();
            self.nodes.push(Place::default());
            self.nodes[parent].items.push(at);
        }
        self.nodes[parent].items[index]
    }

    /// The elements of the array at a place that any shape names.
    pub fn items(&self, at: usize) -> &[usize] {
        &self.nodes[at].items
    }

    /// Whether any shape names what is inside.
    pub fn is_leaf(&self, at: usize) -> bool {
        self.nodes[at].children.is_empty() && self.nodes[at].items.is_empty()
    }

    /// The place below `parent` at `key`. `expected` is where to look first, and afterwards where the next one may be.
    #[inline]
    pub fn find(&self, parent: usize, key: &str, expected: &mut usize) -> Option<usize> {
        let children = &self.nodes[parent].children;
        if let Some((name, at)) = children.get(*expected)
            && **name == *key
        {
            *expected += 1;
            return Some(*at);
        }
        let found = children.iter().position(|(name, _)| **name == *key)?;
        *expected = found + 1;
        Some(children[found].1)
    }

    /// Where a place is, as `payload.items[0].kind`; empty for the frame itself.
    pub fn path(&self, at: usize) -> String {
        for (parent, place) in self.nodes.iter().enumerate() {
            if let Some((key, _)) = place.children.iter().find(|(_, child)| *child == at) {
                let above = self.path(parent);
                return if above.is_empty() { key.to_string() } else { format!("{above}.{key}") };
            }
            if let Some(index) = place.items.iter().position(|item| *item == at) {
                return format!("{}[{index}]", self.path(parent));
            }
        }
        String::new()
    }

    pub fn keep_raw(&mut self, at: usize) {
        self.nodes[at].raw = true;
    }

    pub fn is_raw(&self, at: usize) -> bool {
        self.nodes[at].raw
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }
}
