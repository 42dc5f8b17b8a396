//! The bytes of a snapshot.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod support;

use std::io::Read;

use backstay_api::content::ArchiveQuery;
use backstay_client::ByteRange;
use backstay_model::Role;
use reqwest::{Method, RequestBuilder};
use support::{TestServer, refused, write};
use tokio::io::AsyncReadExt;

struct Case {
    server: TestServer,
    token: String,
    id: String,
    big: Vec<u8>,
}

impl Case {
    async fn start() -> Self {
        let server = TestServer::start().await;
        let token = server.token(Role::Operator).await;
        let (workspace, root) = server.workspace("w").await;
        write(&root, "odd \"name\"\n.txt", b"odd");
        std::os::unix::fs::symlink("README.md", root.join("link")).unwrap();
        let big = std::fs::read(root.join("data/big.bin")).unwrap();
        let id = server.snapshot(&token, &workspace, "").await;
        Self { server, token, id, big }
    }

    fn get(&self, query: &[(&str, &str)]) -> RequestBuilder {
        let path = format!("/api/v1/snapshots/{}/content", self.id);
        self.server.request(Method::GET, &path).query(query)
    }
}

#[tokio::test]
async fn a_file_comes_whole_or_in_part_and_not_again_when_it_is_known() {
    let case = Case::start().await;
    let whole = case.get(&[("path", "data/big.bin")]).bearer_auth(&case.token).send().await.unwrap();
    assert_eq!(whole.status(), 200);
    assert_eq!(whole.headers()["content-type"], "application/octet-stream");
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    assert_eq!(whole.headers()["content-length"], "300000");
    let etag = whole.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(whole.bytes().await.unwrap()[..], case.big[..]);

    let known = case.get(&[("path", "data/big.bin")]).header("if-none-match", &etag);
    let known = known.bearer_auth(&case.token).send().await.unwrap();
    assert_eq!(known.status(), 304);
    assert!(known.bytes().await.unwrap().is_empty());

    for (range, first, last) in
        [("bytes=0-0", 0, 0), ("bytes=70000-199999", 70_000, 199_999), ("bytes=-5", 299_995, 299_999)]
    {
        let part = case.get(&[("path", "data/big.bin")]).header("range", range);
        let part = part.bearer_auth(&case.token).send().await.unwrap();
        assert_eq!(part.status(), 206, "{range}");
        assert_eq!(part.headers()["content-range"], format!("bytes {first}-{last}/300000").as_str());
        assert_eq!(part.bytes().await.unwrap()[..], case.big[first..=last], "{range}");
    }
    let outside = case.get(&[("path", "data/big.bin")]).header("range", "bytes=300000-");
    let outside = outside.bearer_auth(&case.token).send().await.unwrap();
    assert_eq!(
        (outside.status().as_u16(), outside.headers()["content-range"].to_str().unwrap()),
        (416, "bytes */300000")
    );
    let changed = case.get(&[("path", "data/big.bin")]).header("if-match", "\"other\"");
    refused(changed, Some(&case.token), 412).await;
}

#[tokio::test]
async fn head_tells_the_size_without_the_bytes() {
    let case = Case::start().await;
    let path = format!("/api/v1/snapshots/{}/content?path=data/big.bin", case.id);
    let head = case.server.request(Method::HEAD, &path).bearer_auth(&case.token).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, "300000"));
}

#[tokio::test]
async fn a_hostile_name_stays_in_its_header_and_a_browser_runs_nothing() {
    let case = Case::start().await;
    let response = case.get(&[("path", "odd \"name\"\n.txt")]).bearer_auth(&case.token).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let disposition = response.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(disposition.starts_with("attachment; filename=\"odd _name__.txt\""), "{disposition}");
    assert_eq!(response.text().await.unwrap(), "odd");
}

#[tokio::test]
async fn what_is_no_file_of_the_snapshot_is_refused() {
    let case = Case::start().await;
    for path in ["missing", "../README.md", "/etc/passwd", "README.md/x"] {
        refused(case.get(&[("path", path)]), Some(&case.token), 404).await;
    }
    for path in ["src", "link"] {
        refused(case.get(&[("path", path)]), Some(&case.token), 409).await;
    }
    refused(case.get(&[]), Some(&case.token), 422).await;
    refused(case.get(&[("path", "")]), Some(&case.token), 422).await;
    refused(case.get(&[("path", "README.md")]), None, 401).await;
}

#[tokio::test]
async fn the_client_streams_a_part() {
    let case = Case::start().await;
    let client = case.server.client(&case.token);
    let range = ByteRange { first: 1000, last: Some(1999) };
    let download = client.read_content(&case.id, "data/big.bin", Some(range)).await.unwrap();
    assert_eq!((download.size_bytes, download.partial), (Some(1000), true));
    let mut bytes = Vec::new();
    download.into_reader().read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, case.big[1000..2000]);
}

#[tokio::test]
async fn an_archive_holds_the_subtree() {
    let case = Case::start().await;
    let client = case.server.client(&case.token);
    let unpack = async |path: Option<&str>, select: &[&str]| {
        let query = ArchiveQuery {
            path: path.map(str::to_owned),
            select: select.iter().map(|&pattern| pattern.to_owned()).collect(),
        };
        let download = client.read_archive(&case.id, &query).await.unwrap();
        let mut bytes = Vec::new();
        download.into_reader().read_to_end(&mut bytes).await.unwrap();
        let mut archive = tar::Archive::new(zstd::Decoder::new(&bytes[..]).unwrap());
        let mut found = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            found.push((
                entry.path().unwrap().to_string_lossy().trim_end_matches('/').to_owned(),
                content.len(),
            ));
        }
        found.sort();
        found
    };
    let all = unpack(None, &[]).await;
    let names: Vec<_> = all.iter().map(|(name, size)| (name.as_str(), *size)).collect();
    assert_eq!(
        names,
        [
            (".", 0),
            ("README.md", 8),
            ("data", 0),
            ("data/big.bin", 300_000),
            ("link", 0),
            ("odd \"name\"\n.txt", 3),
            ("src", 0),
            ("src/main.rs", 13)
        ]
    );
    let part = unpack(Some("src"), &[]).await;
    assert!(part.iter().any(|(name, size)| name == "src/main.rs" && *size == 13), "{part:?}");
    assert!(part.iter().all(|(name, _)| name.starts_with("src")), "{part:?}");
    let chosen = unpack(None, &["src/*.rs", "README.md"]).await;
    let files: Vec<_> = chosen.iter().filter(|(_, size)| *size > 0).map(|(name, _)| name.as_str()).collect();
    assert_eq!(files, ["README.md", "src/main.rs"]);
    let outside = format!("/api/v1/snapshots/{}/archive?select=../x", case.id);
    refused(case.server.request(Method::GET, &outside), Some(&case.token), 422).await;
    let path = format!("/api/v1/snapshots/{}/archive?path=missing", case.id);
    refused(case.server.request(Method::GET, &path), Some(&case.token), 404).await;
}
