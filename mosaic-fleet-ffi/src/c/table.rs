//! What handles stand for: a table of this process, with a generation for each slot, so that a handle
//! that was freed, or never was one, is told from one that is good.
//!
//! A handle is a number in the place of a pointer: bit 0 is 1 (no pointer to an object is odd), then
//! the slot, then its generation. It is never followed.

use std::any::Any;
use std::ptr;
use std::sync::{Arc, PoisonError, RwLock};

use super::code::{MF_CODE_INVALID_HANDLE, MF_CODE_NULL_POINTER};
use super::guard::{Failure, Outcome};

/// A type that C holds by handles.
pub(super) trait Handle: Send + Sync + Sized + 'static {
    /// The opaque type that C has of it.
    type Opaque;
    /// What C calls it.
    const NAME: &'static str;
}

const SLOT_BITS: u32 = if usize::BITS >= 64 { 24 } else { 14 };
const SLOTS: usize = 1 << SLOT_BITS;
const GENERATIONS: usize = 1 << (usize::BITS - SLOT_BITS - 1);

struct Slot {
    generation: usize,
    object: Option<Arc<dyn Any + Send + Sync>>,
}

struct Table {
    slots: Vec<Slot>,
    free: Vec<usize>,
}

static TABLE: RwLock<Table> = RwLock::new(Table {
    slots: Vec::new(),
    free: Vec::new(),
});

fn encode(slot: usize, generation: usize) -> usize {
    1 | (slot << 1) | (generation << (SLOT_BITS + 1))
}

/// The slot and the generation that a handle names.
fn decode(handle: usize) -> Option<(usize, usize)> {
    let slot = (handle >> 1) & (SLOTS - 1);
    (handle & 1 == 1).then_some((slot, handle >> (SLOT_BITS + 1)))
}

impl Table {
    fn put(&mut self, object: Arc<dyn Any + Send + Sync>) -> Outcome<usize> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.slots.len() < SLOTS => {
                self.slots.push(Slot {
                    generation: 0,
                    object: None,
                });
                self.slots.len() - 1
            }
            None => return Err(Failure::unexpected("there are too many handles: free some")),
        };
        self.slots[slot].object = Some(object);
        Ok(encode(slot, self.slots[slot].generation))
    }

    fn get(&self, handle: usize) -> Option<&Arc<dyn Any + Send + Sync>> {
        let (slot, generation) = decode(handle)?;
        let slot = self.slots.get(slot)?;
        slot.object
            .as_ref()
            .filter(|_| slot.generation == generation)
    }

    fn take(&mut self, handle: usize) -> Option<Arc<dyn Any + Send + Sync>> {
        self.get(handle)?;
        let (slot, _) = decode(handle)?;
        let object = self.slots[slot].object.take();
        self.slots[slot].generation += 1;
        // A slot whose generations are used up rests, or an old handle would be good again.
        if self.slots[slot].generation < GENERATIONS {
            self.free.push(slot);
        }
        object
    }
}

/// A handle for `object`.
pub(super) fn put<T: Handle>(object: Arc<T>) -> Outcome<*mut T::Opaque> {
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    Ok(ptr::without_provenance_mut(table.put(object)?))
}

fn invalid<T: Handle>() -> Failure {
    let message = format!("this is no {} handle, or it was freed", T::NAME);
    Failure::argument(MF_CODE_INVALID_HANDLE, message)
}

/// What a handle stands for. It lives on while the answer does, also when the handle is freed.
pub(super) fn get<T: Handle>(handle: *const T::Opaque) -> Outcome<Arc<T>> {
    if handle.is_null() {
        let message = format!("the {} handle is NULL", T::NAME);
        return Err(Failure::argument(MF_CODE_NULL_POINTER, message));
    }
    let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
    let object = table.get(handle.addr()).cloned();
    drop(table);
    let object = object.and_then(|object| object.downcast().ok());
    object.ok_or_else(invalid::<T>)
}

/// Takes a handle back; nothing for NULL. The caller drops what it stood for, outside of the lock.
pub(super) fn take<T: Handle>(handle: *mut T::Opaque) -> Outcome<Option<Arc<T>>> {
    if handle.is_null() {
        return Ok(None);
    }
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    let is_one = table
        .get(handle.addr())
        .is_some_and(|object| object.is::<T>());
    let object = if is_one {
        table.take(handle.addr())
    } else {
        None
    };
    drop(table);
    match object.and_then(|object| object.downcast().ok()) {
        Some(object) => Ok(Some(object)),
        None => Err(invalid::<T>()),
    }
}

/// How many handles are out.
pub(super) fn live() -> usize {
    let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
    table
        .slots
        .iter()
        .filter(|slot| slot.object.is_some())
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One(u32);
    struct Other;
    struct Opaque;
    impl Handle for One {
        type Opaque = Opaque;
        const NAME: &'static str = "one";
    }
    impl Handle for Other {
        type Opaque = Opaque;
        const NAME: &'static str = "other";
    }

    fn code<T>(outcome: Outcome<T>) -> Option<u32> {
        outcome.err().map(|failure| failure.code)
    }

    #[test]
    fn a_freed_handle_is_never_good_again() {
        let first = put(Arc::new(One(1))).unwrap();
        assert_eq!(get::<One>(first).unwrap().0, 1);
        assert_eq!(code(get::<Other>(first)), Some(MF_CODE_INVALID_HANDLE));
        assert_eq!(code(take::<Other>(first)), Some(MF_CODE_INVALID_HANDLE));
        assert!(take::<One>(first).unwrap().is_some());
        for _ in 0..3 {
            let next = put(Arc::new(One(2))).unwrap();
            assert_ne!(next, first);
            assert_eq!(code(get::<One>(first)), Some(MF_CODE_INVALID_HANDLE));
            assert_eq!(code(take::<One>(first)), Some(MF_CODE_INVALID_HANDLE));
            assert!(take::<One>(next).is_ok());
        }
    }

    #[test]
    fn null_and_what_is_no_handle_are_told() {
        assert_eq!(code(get::<One>(ptr::null())), Some(MF_CODE_NULL_POINTER));
        assert!(take::<One>(ptr::null_mut()).unwrap().is_none());
        let object = Opaque;
        for wrong in [&raw const object, ptr::without_provenance(1 << 20 | 1)] {
            assert_eq!(code(get::<One>(wrong)), Some(MF_CODE_INVALID_HANDLE));
        }
    }

    #[test]
    fn a_used_up_slot_rests() {
        let mut table = Table {
            slots: Vec::new(),
            free: Vec::new(),
        };
        let first = table.put(Arc::new(())).unwrap();
        table.slots[0].generation = GENERATIONS - 1;
        let last = encode(0, GENERATIONS - 1);
        assert!(table.get(first).is_none());
        assert!(table.take(last).is_some());
        assert!(table.free.is_empty());
        assert_ne!(decode(table.put(Arc::new(())).unwrap()).unwrap().0, 0);
    }
}
