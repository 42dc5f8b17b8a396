//! The binary form of directory pages.

use crate::content::Content;
use crate::id::ChunkId;
use crate::limits::{MAX_NAME_BYTES, MAX_TARGET_BYTES, MAX_XATTR_BYTES, MAX_XATTRS};
use crate::pages::{PageKind, open_page};
use crate::tree::entry::{DirectoryRef, Entry, Node, Xattr};
use crate::wire::{Decoder, Malformed, put_prefixed, put_varint, put_zigzag};

const FILE: u8 = 1;
const DIRECTORY: u8 = 2;
const SYMLINK: u8 = 3;
const FIFO: u8 = 4;
const SOCKET: u8 = 5;
const BLOCK_DEVICE: u8 = 6;
const CHARACTER_DEVICE: u8 = 7;
const UNREADABLE: u8 = 8;

const NODE_MASK: u8 = 0x0f;
const HARD_LINK: u8 = 0x10;
const XATTRS: u8 = 0x20;
const SAME_OWNER: u8 = 0x40;
const SAME_DEVICE: u8 = 0x80;

/// What an entry shares with the one before it in the same page is written as a difference.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Previous {
    uid: u32,
    gid: u32,
    device: u64,
    inode: u64,
    mtime_ns: i64,
}

impl Previous {
    fn of(entry: &Entry) -> Self {
        Self {
            uid: entry.uid,
            gid: entry.gid,
            device: entry.device,
            inode: entry.inode,
            mtime_ns: entry.mtime_ns,
        }
    }
}

/// Appends `entry`; returns what the next entry of the page is written against.
pub(crate) fn encode_entry(out: &mut Vec<u8>, entry: &Entry, previous: Previous) -> Previous {
    let node = match &entry.node {
        Node::File { .. } => FILE,
        Node::Directory { .. } => DIRECTORY,
        Node::Symlink { .. } => SYMLINK,
        Node::Fifo => FIFO,
        Node::Socket => SOCKET,
        Node::BlockDevice { .. } => BLOCK_DEVICE,
        Node::CharacterDevice { .. } => CHARACTER_DEVICE,
        Node::Unreadable => UNREADABLE,
    };
    let same_owner = (entry.uid, entry.gid) == (previous.uid, previous.gid);
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    out.push(
        node | flag(entry.hard_link.is_some(), HARD_LINK)
            | flag(!entry.xattrs.is_empty(), XATTRS)
            | flag(same_owner, SAME_OWNER)
            | flag(entry.device == previous.device, SAME_DEVICE),
    );
    put_prefixed(out, &entry.name);
    put_varint(out, (entry.mode & 0o7777).into());
    if !same_owner {
        put_varint(out, entry.uid.into());
        put_varint(out, entry.gid.into());
    }
    if entry.device != previous.device {
        put_varint(out, entry.device);
    }
    put_zigzag(out, entry.inode.wrapping_sub(previous.inode) as i64);
    put_zigzag(out, entry.mtime_ns.wrapping_sub(previous.mtime_ns));
    put_zigzag(out, entry.ctime_ns.wrapping_sub(entry.mtime_ns));
    if let Some(group) = entry.hard_link {
        put_varint(out, group);
    }
    match &entry.node {
        Node::File { content } => content.encode(out),
        Node::Directory { directory } => {
            out.push(directory.levels);
            out.extend_from_slice(directory.id.as_bytes());
        }
        Node::Symlink { target } => put_prefixed(out, target),
        Node::BlockDevice { number } | Node::CharacterDevice { number } => put_varint(out, *number),
        Node::Fifo | Node::Socket | Node::Unreadable => {}
    }
    if !entry.xattrs.is_empty() {
        put_varint(out, entry.xattrs.len() as u64);
        for xattr in &entry.xattrs {
            put_prefixed(out, &xattr.name);
            put_prefixed(out, &xattr.value);
        }
    }
    Previous::of(entry)
}

fn decode_entry(from: &mut Decoder<'_>, previous: Previous) -> Result<Entry, Malformed> {
    let flags = from.u8()?;
    let name = from.prefixed(MAX_NAME_BYTES, "a name is too long")?;
    if !Entry::name_is_possible(name) {
        return Err(Malformed("a name is no possible name of a file"));
    }
    let mut entry = Entry::new(name, Node::Unreadable);
    entry.mode = from.bounded(0o7777, "a mode has unknown bits")? as u32;
    (entry.uid, entry.gid) = if flags & SAME_OWNER == 0 {
        let mut id = || from.bounded(u32::MAX.into(), "an owner is out of range").map(|id| id as u32);
        (id()?, id()?)
    } else {
        (previous.uid, previous.gid)
    };
    entry.device = if flags & SAME_DEVICE == 0 { from.varint()? } else { previous.device };
    entry.inode = previous.inode.wrapping_add(from.zigzag()? as u64);
    entry.mtime_ns = previous.mtime_ns.wrapping_add(from.zigzag()?);
    entry.ctime_ns = entry.mtime_ns.wrapping_add(from.zigzag()?);
    if flags & HARD_LINK != 0 {
        entry.hard_link = Some(from.varint()?);
    }
    entry.node = match flags & NODE_MASK {
        FILE => Node::File { content: Content::decode(from)? },
        DIRECTORY => {
            let levels = from.u8()?;
            if !DirectoryRef::levels_are_possible(levels) {
                return Err(Malformed("a directory has an impossible depth of pages"));
            }
            Node::Directory { directory: DirectoryRef { id: ChunkId::from_bytes(from.array()?), levels } }
        }
        SYMLINK => {
            Node::Symlink { target: from.prefixed(MAX_TARGET_BYTES, "a target is too long")?.to_vec() }
        }
        FIFO => Node::Fifo,
        SOCKET => Node::Socket,
        BLOCK_DEVICE => Node::BlockDevice { number: from.varint()? },
        CHARACTER_DEVICE => Node::CharacterDevice { number: from.varint()? },
        UNREADABLE => Node::Unreadable,
        _ => return Err(Malformed("an entry is of no known kind")),
    };
    if flags & XATTRS != 0 {
        let count = from.bounded(MAX_XATTRS as u64, "an entry has too many extended attributes")?;
        for _ in 0..count {
            let name =
                from.prefixed(MAX_NAME_BYTES, "the name of an extended attribute is too long")?.to_vec();
            let value = from.prefixed(MAX_XATTR_BYTES, "an extended attribute is too long")?.to_vec();
            entry.xattrs.push(Xattr { name, value });
        }
    }
    Ok(entry)
}

/// Reads a page of entries; their names strictly increase.
pub(crate) fn decode_entries(page: &[u8]) -> Result<Vec<Entry>, Malformed> {
    let (count, mut from) = open_page(page, PageKind::Directory, 0)?;
    // An entry takes at least eight bytes.
    let mut entries: Vec<Entry> = Vec::with_capacity(count.min(from.remaining() / 8));
    let mut previous = Previous::default();
    for _ in 0..count {
        let entry = decode_entry(&mut from, previous)?;
        if entries.last().is_some_and(|last| last.name >= entry.name) {
            return Err(Malformed("names are not in order"));
        }
        previous = Previous::of(&entry);
        entries.push(entry);
    }
    from.end()?;
    Ok(entries)
}

/// A whole page of a directory.
#[cfg(test)]
pub(crate) fn encode_page(entries: &[Entry]) -> Vec<u8> {
    let mut page = vec![1];
    put_varint(&mut page, entries.len() as u64);
    let mut previous = Previous::default();
    for entry in entries {
        previous = encode_entry(&mut page, entry, previous);
    }
    page
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::content::Extent;

    fn id() -> impl Strategy<Value = ChunkId> {
        any::<[u8; 32]>().prop_map(ChunkId::from_bytes)
    }

    fn content() -> impl Strategy<Value = Content> {
        let extent = prop_oneof![
            (id(), 1..1_000_000_u32).prop_map(|(id, length)| Extent::Data { id, length }),
            (1..1_u64 << 50).prop_map(|length| Extent::Hole { length }),
        ];
        prop_oneof![
            prop::collection::vec(extent, 0..8).prop_map(Content::inline),
            (any::<u64>(), id(), 1..20_u8)
                .prop_map(|(length, id, levels)| Content::paged(length, id, levels)),
        ]
    }

    fn node() -> impl Strategy<Value = Node> {
        prop_oneof![
            content().prop_map(|content| Node::File { content }),
            (id(), 1..20_u8)
                .prop_map(|(id, levels)| Node::Directory { directory: DirectoryRef { id, levels } }),
            prop::collection::vec(any::<u8>(), 0..100).prop_map(|target| Node::Symlink { target }),
            any::<u64>().prop_map(|number| Node::BlockDevice { number }),
            any::<u64>().prop_map(|number| Node::CharacterDevice { number }),
            Just(Node::Fifo),
            Just(Node::Socket),
            Just(Node::Unreadable),
        ]
    }

    prop_compose! {
        pub(crate) fn entry()(
            name in prop::collection::vec(any::<u8>().prop_filter("possible", |b| !matches!(b, 0 | b'/' | b'.')), 1..40),
            node in node(),
            (mode, uid, gid) in (0..0o10000_u32, any::<u32>(), any::<u32>()),
            (mtime_ns, ctime_ns, inode, device) in any::<(i64, i64, u64, u64)>(),
            hard_link in any::<Option<u64>>(),
            xattrs in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..9), prop::collection::vec(any::<u8>(), 0..99)), 0..3),
        ) -> Entry {
            let xattrs = xattrs.into_iter().map(|(name, value)| Xattr { name, value }).collect();
            Entry { name, node, mode, uid, gid, mtime_ns, ctime_ns, inode, device, hard_link, xattrs }
        }
    }

    proptest! {
        #[test]
        fn entries_read_back(mut entries in prop::collection::vec(entry(), 0..12)) {
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            entries.dedup_by(|a, b| a.name == b.name);
            let page = encode_page(&entries);
            prop_assert_eq!(decode_entries(&page), Ok(entries));
            prop_assert!(decode_entries(&page[..page.len() - 1]).is_err());
        }

        #[test]
        fn altered_pages_do_not_panic(entry in entry(), place: usize, bit in 0..8_u8) {
            let mut page = encode_page(&[entry]);
            let place = place % page.len();
            page[place] ^= 1 << bit;
            let _ = decode_entries(&page);
        }
    }

    #[test]
    fn names_that_would_escape_are_refused() {
        for name in [&b"."[..], b"..", b"a/b", b"a\0b", b""] {
            let page = encode_page(&[Entry::new(name, Node::Fifo)]);
            assert!(decode_entries(&page).is_err(), "{name:?}");
        }
        let page = encode_page(&[Entry::new("b", Node::Fifo), Entry::new("a", Node::Fifo)]);
        assert!(decode_entries(&page).is_err());
    }
}
