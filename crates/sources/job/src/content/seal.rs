//! Keys and sealing.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::ContentError;

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 15;
const TAG_BYTES: usize = 16;
const DOMAIN: &[u8] = b"backstay v1 job content";

/// Where sealed bytes lie: they open nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The description of the checkpoint with this number.
    Record(i64),
    /// The state or manifest of the checkpoint with this number.
    Body(i64),
    /// The channel value with this number.
    Value(i64),
    /// The pending write with this number.
    Write(i64),
    /// What never changes of the execution with this number.
    Execution(i64),
    /// What never changes of the step with this number.
    Step(i64),
    /// What became of the step with this number.
    Outcome(i64),
    /// The executor with this number.
    Executor(i64),
    /// The resume with this number.
    Resume(i64),
}

impl Place {
    fn associated(self) -> [u8; DOMAIN.len() + 9] {
        let (table, row) = match self {
            Self::Record(row) => (1, row),
            Self::Body(row) => (2, row),
            Self::Value(row) => (3, row),
            Self::Write(row) => (4, row),
            Self::Execution(row) => (5, row),
            Self::Step(row) => (6, row),
            Self::Outcome(row) => (7, row),
            Self::Executor(row) => (8, row),
            Self::Resume(row) => (9, row),
        };
        let mut bytes = [0; DOMAIN.len() + 9];
        bytes[..DOMAIN.len()].copy_from_slice(DOMAIN);
        bytes[DOMAIN.len()] = table;
        bytes[DOMAIN.len() + 1..].copy_from_slice(&row.to_le_bytes());
        bytes
    }
}

/// A random key under which new content is sealed until the next rotation.
pub struct DataKey {
    number: u16,
    secret: Zeroizing<[u8; 32]>,
}

impl DataKey {
    /// The key with this number.
    pub fn new(number: u16, secret: Zeroizing<[u8; 32]>) -> Self {
        Self { number, secret }
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Tells this key from others and gives nothing of it away.
    pub fn fingerprint(&self) -> [u8; 16] {
        let mut short = [0; 16];
        let whole = blake3::derive_key("backstay v1 data key fingerprint", &*self.secret);
        short.copy_from_slice(&whole[..16]);
        short
    }

    /// Seals the key under `wrapping`, to be stored. The nonce must be random.
    pub fn wrap(&self, wrapping: &[u8; 32], nonce: [u8; 12]) -> Vec<u8> {
        let mut out = nonce.to_vec();
        out.extend_from_slice(&*self.secret);
        let tag = sealing(wrapping)
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(wrapped_as(self.number)),
                &mut out[12..],
            )
            .expect("a key is far below the limit of AES-GCM");
        out.extend_from_slice(tag.as_ref());
        out
    }

    /// Opens what [`DataKey::wrap`] sealed.
    pub fn unwrap(number: u16, wrapping: &[u8; 32], wrapped: &[u8]) -> Result<Self, ContentError> {
        let (nonce, sealed) = wrapped.split_first_chunk::<12>().ok_or(ContentError::NotAuthentic)?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let plain = sealing(wrapping)
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(wrapped_as(number)), &mut sealed)
            .map_err(|_| ContentError::NotAuthentic)?;
        let mut secret = Zeroizing::new([0; 32]);
        if plain.len() != secret.len() {
            return Err(ContentError::NotAuthentic);
        }
        secret.copy_from_slice(plain);
        Ok(Self { number, secret })
    }

    /// The key of one job, under this data key.
    pub fn job(&self, tenant: &str, project: &str, job: &str) -> JobKey {
        let derive = |purpose: &[u8]| {
            let mut hasher = blake3::Hasher::new_keyed(&self.secret);
            for part in [purpose, tenant.as_bytes(), project.as_bytes(), job.as_bytes()] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
            Zeroizing::new(*hasher.finalize().as_bytes())
        };
        JobKey { number: self.number, sealing: sealing(&derive(b"seal")), hash: derive(b"hash") }
    }
}

fn sealing(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("AES-256-GCM takes keys of 32 bytes"))
}

fn wrapped_as(number: u16) -> Vec<u8> {
    [b"backstay v1 data key".as_slice(), &number.to_le_bytes()].concat()
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataKey({})", self.number)
    }
}

/// The key of one job.
pub struct JobKey {
    number: u16,
    sealing: LessSafeKey,
    hash: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for JobKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JobKey({})", self.number)
    }
}

/// The number of the data key under which `sealed` was sealed.
pub fn key_number(sealed: &[u8]) -> Result<u16, ContentError> {
    match sealed {
        [VERSION, low, high, ..] if sealed.len() >= HEADER_BYTES + TAG_BYTES => {
            Ok(u16::from_le_bytes([*low, *high]))
        }
        _ => Err(ContentError::NotAuthentic),
    }
}

impl JobKey {
    /// The keyed hash of a content.
    pub fn hash(&self, content: &[u8]) -> [u8; 16] {
        let mut short = [0; 16];
        short.copy_from_slice(&blake3::keyed_hash(&self.hash, content).as_bytes()[..16]);
        short
    }

    /// Seals `plain` for `place`. The nonce must be random.
    pub fn seal(&self, place: Place, plain: &[u8], nonce: [u8; 12]) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES + plain.len() + TAG_BYTES);
        out.push(VERSION);
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(plain);
        let tag = self
            .sealing
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.associated()),
                &mut out[HEADER_BYTES..],
            )
            .expect("a content is far below the limit of AES-GCM");
        out.extend_from_slice(tag.as_ref());
        out
    }

    /// Opens what was sealed for `place`.
    pub fn open(&self, place: Place, mut sealed: Vec<u8>) -> Result<Vec<u8>, ContentError> {
        if key_number(&sealed)? != self.number {
            return Err(ContentError::NotAuthentic);
        }
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&sealed[3..HEADER_BYTES]);
        let length = self
            .sealing
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.associated()),
                &mut sealed[HEADER_BYTES..],
            )
            .map_err(|_| ContentError::NotAuthentic)?
            .len();
        sealed.truncate(HEADER_BYTES + length);
        sealed.drain(..HEADER_BYTES);
        Ok(sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u16) -> DataKey {
        DataKey::new(number, Zeroizing::new([7; 32]))
    }

    #[test]
    fn a_wrapped_key_opens_under_its_number_and_key_alone() {
        let wrapped = key(3).wrap(&[1; 32], [2; 12]);
        let opened = DataKey::unwrap(3, &[1; 32], &wrapped).unwrap();
        assert_eq!(opened.job("t", "p", "j").hash(b"x"), key(3).job("t", "p", "j").hash(b"x"));
        assert!(DataKey::unwrap(4, &[1; 32], &wrapped).is_err());
        assert!(DataKey::unwrap(3, &[2; 32], &wrapped).is_err());
        assert!(DataKey::unwrap(3, &[1; 32], &wrapped[..20]).is_err());
    }

    #[test]
    fn sealed_bytes_open_only_where_they_belong() {
        let job = key(1).job("t", "p", "j");
        let sealed = job.seal(Place::Body(5), b"state", [3; 12]);
        assert_eq!(job.open(Place::Body(5), sealed.clone()).unwrap(), b"state");
        for (tenant, project, name) in [("x", "p", "j"), ("t", "x", "j"), ("t", "p", "x"), ("tp", "", "j")] {
            let other = key(1).job(tenant, project, name);
            assert_eq!(other.open(Place::Body(5), sealed.clone()), Err(ContentError::NotAuthentic));
        }
        for place in [Place::Body(6), Place::Value(5), Place::Record(5), Place::Write(5)] {
            assert_eq!(job.open(place, sealed.clone()), Err(ContentError::NotAuthentic));
        }
        assert_eq!(
            key(2).job("t", "p", "j").open(Place::Body(5), sealed.clone()),
            Err(ContentError::NotAuthentic)
        );
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(job.open(Place::Body(5), flipped).is_err(), "bit {bit}");
        }
        assert!(job.open(Place::Body(5), b"{\"plain\":1}                          ".to_vec()).is_err());
        assert!(job.open(Place::Body(5), Vec::new()).is_err());
    }
}
