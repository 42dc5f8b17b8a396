//! The envelope of the small sealed objects: index objects and root manifests.

use backstay_model::Rng;
use backstay_store::ObjectName;

use crate::config::FORMAT_VERSION;
use crate::crypto::{Subkeys, TAG_BYTES};
use crate::error::{RepositoryError, Result};
use crate::limits::MAX_OBJECT_BYTES;
use crate::wire::Decoder;

const MAGIC: &[u8; 8] = b"BKSTOBJT";
const HEADER_BYTES: usize = 48;

/// What an object is; part of what is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ObjectKind {
    Index = 1,
    Manifest = 2,
}

/// Compresses and seals `plain`; returns the object's bytes and its name's 32 bytes.
pub(crate) fn seal(
    keys: &Subkeys,
    rng: &dyn Rng,
    kind: ObjectKind,
    plain: &[u8],
) -> Result<(Vec<u8>, [u8; 32])> {
    let too_large =
        || RepositoryError::Invalid { what: "an object".to_owned(), reason: "it is larger than 64 MiB" };
    if plain.len() > MAX_OBJECT_BYTES {
        return Err(too_large());
    }
    let packed = zstd::bulk::compress(plain, 3).map_err(|_| too_large())?;
    let (compression, body) = if packed.len() < plain.len() { (1, &packed[..]) } else { (0, plain) };
    let mut salt = [0; 32];
    rng.fill(&mut salt);
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len() + TAG_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(FORMAT_VERSION as u16).to_le_bytes());
    bytes.push(kind as u8);
    bytes.push(compression);
    bytes.extend_from_slice(&(plain.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&salt);
    bytes.extend_from_slice(body);
    let (header, sealed) = bytes.split_at_mut(HEADER_BYTES);
    let tag = keys.object_sealer(&salt).seal(0, header, sealed);
    bytes.extend_from_slice(&tag);
    let name = keys.name(&[&bytes]);
    Ok((bytes, name))
}

/// Opens the object `name`, whose 32 bytes of name are `expected`.
pub(crate) fn open(
    keys: &Subkeys,
    name: &ObjectName,
    expected: &[u8; 32],
    kind: ObjectKind,
    bytes: &[u8],
) -> Result<Vec<u8>> {
    let damaged = |reason| RepositoryError::damaged(name, reason);
    let mut header = Decoder::new(bytes);
    let early = |_| damaged("it ends too early");
    if &header.array::<8>().map_err(early)? != MAGIC {
        return Err(damaged("it does not begin as such an object does"));
    }
    let version = header.u16().map_err(early)?;
    if u32::from(version) != FORMAT_VERSION {
        return Err(damaged("it is of another format than the repository"));
    }
    let (found_kind, compression) = (header.u8().map_err(early)?, header.u8().map_err(early)?);
    let length = header.u32().map_err(early)? as usize;
    let salt = header.array::<32>().map_err(early)?;
    if found_kind != kind as u8 || compression > 1 || length > MAX_OBJECT_BYTES {
        return Err(damaged("its header is not that of such an object"));
    }
    if keys.name(&[bytes]) != *expected {
        return Err(damaged("its bytes do not match its name"));
    }
    let mut body = Vec::new();
    keys.object_sealer(&salt)
        .open(0, &bytes[..HEADER_BYTES], &bytes[HEADER_BYTES..], &mut body)
        .map_err(|_| damaged("it is not authentic"))?;
    if compression == 0 {
        return if body.len() == length { Ok(body) } else { Err(damaged("its length is wrong")) };
    }
    let plain = zstd::bulk::decompress(&body, length).map_err(|_| damaged("it does not decompress"))?;
    if plain.len() == length { Ok(plain) } else { Err(damaged("its length is wrong")) }
}
