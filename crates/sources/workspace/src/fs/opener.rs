//! Opening many directories below one root, without walking every path from its beginning.

use rustix::io::Errno;

use super::dir::Dir;

/// The most directories that are kept open.
const KEPT: usize = 128;

/// When a walk is longer than this many parts, a directory on the way is kept, too.
const STRIDE: usize = 64;

/// Opens directories below a root; the ones above the last path stay open, so that its neighbours are near.
///
/// Like [`Dir::open_beneath`] it follows no link and never leaves the root.
#[derive(Debug)]
pub(crate) struct Opener<'r> {
    root: &'r Dir,
    /// The path that was opened last.
    path: Vec<u8>,
    /// Open directories on that path, with the lengths of their own paths, growing.
    open: Vec<(usize, Dir)>,
}

impl<'r> Opener<'r> {
    pub(crate) fn new(root: &'r Dir) -> Self {
        Self { root, path: Vec::new(), open: Vec::new() }
    }

    /// The root.
    pub(crate) fn root(&self) -> &'r Dir {
        self.root
    }

    /// The directory at `path`.
    pub(crate) fn open(&mut self, path: &[u8]) -> Result<&Dir, Errno> {
        let same = common_prefix(&self.path, path);
        while self
            .open
            .last()
            .is_some_and(|(end, _)| *end > same || !matches!(path.get(*end), None | Some(b'/')))
        {
            self.open.pop();
        }
        self.path.clear();
        self.path.extend_from_slice(path);
        loop {
            let begin = self.open.last().map_or(0, |(end, _)| *end);
            if begin == path.len() {
                return Ok(self.open.last().map_or(self.root, |(_, dir)| dir));
            }
            let rest_begin = if begin == 0 { 0 } else { begin + 1 };
            let end = stop(path, rest_begin);
            let from = self.open.last().map_or(self.root, |(_, dir)| dir);
            let dir = from.open_beneath(&path[rest_begin..end])?;
            if self.open.len() >= KEPT {
                self.open.drain(..KEPT / 2);
            }
            self.open.push((end, dir));
        }
    }

    /// Forgets the directory at `path` and those below it, because it was replaced.
    pub(crate) fn forget(&mut self, path: &[u8]) {
        if self.path.starts_with(path) {
            self.open.retain(|(end, _)| *end < path.len());
        }
    }
}

/// Where to stop next on the way to the end: at the end, or before its last parts when it is far.
fn stop(path: &[u8], begin: usize) -> usize {
    let parts = path[begin..].split(|byte| *byte == b'/').count();
    if parts <= 2 * STRIDE {
        return path.len();
    }
    let ends = path.iter().enumerate().skip(begin).filter(|(_, byte)| **byte == b'/');
    ends.map(|(at, _)| at).nth(parts - STRIDE - 1).unwrap_or(path.len())
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    const PIECE: usize = 256;
    let pieces = a.chunks_exact(PIECE).zip(b.chunks_exact(PIECE));
    let same = pieces.take_while(|(a, b)| a == b).count() * PIECE;
    same + a[same..].iter().zip(&b[same..]).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::c_name;

    #[test]
    fn any_order_of_paths_opens_the_right_directories() {
        let place = tempfile::tempdir().unwrap();
        let root = Dir::open_root(place.path()).unwrap();
        let mut paths = Vec::new();
        for name in ["a", "ab", "b"] {
            let mut path = Vec::new();
            for level in 0..400 {
                let part = if level == 0 { name } else { "d" };
                root.open_beneath(&path).unwrap().make_dir(&c_name(part.as_bytes()).unwrap()).unwrap();
                path = crate::fs::join(&path, part.as_bytes());
                paths.push(path.clone());
            }
        }
        let mut opener = Opener::new(&root);
        let mut check = |path: &[u8]| {
            let expected = root.open_beneath(path).unwrap().stat_self().unwrap().inode;
            assert_eq!(opener.open(path).unwrap().stat_self().unwrap().inode, expected);
        };
        for path in paths.iter().chain(paths.iter().rev()) {
            check(path);
        }
        for step in 0..paths.len() {
            check(&paths[step * 577 % paths.len()]);
        }
        check(b"");
        assert_eq!(opener.open(b"a/x").unwrap_err(), Errno::NOENT);
        assert_eq!(
            opener.open(b"a").unwrap().stat_self().unwrap().inode,
            root.open_beneath(b"a").unwrap().stat_self().unwrap().inode
        );
    }
}
