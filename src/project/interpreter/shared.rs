//! Content that several names share.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::rc::Rc;

use super::super::value::Dynamic;

/// The content of a list, dict or set, until something unknown may have changed it.
#[derive(Debug)]
pub(crate) struct Shared<T>(Rc<Changing<T>>);

/// Whether the order of a list or dict is known, which matters where one item is taken from it or it is written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sequence {
    Known,
    /// Good enough to go through, but not to take one item or to write it out: packages as the file system lists them, or an
    /// `OrderedDict`.
    Loose,
    /// It differs from machine to machine.
    Unknown,
}

impl Sequence {
    /// That of a dict which is made of something in this one: an `OrderedDict` gives a plain one.
    pub(super) fn of_a_dict(self) -> Self {
        if self == Self::Unknown { self } else { Self::Known }
    }
}

#[derive(Debug)]
struct Changing<T> {
    content: RefCell<T>,
    sequence: Cell<Sequence>,
    /// How often it was changed.
    version: Cell<usize>,
    /// How many there were before it.
    born: usize,
    /// Why nobody may look at it now.
    hidden: RefCell<Option<Rc<Dynamic>>>,
    doubt: RefCell<Option<Rc<Dynamic>>>,
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Shared<T> {
    pub(crate) fn new(content: T) -> Self {
        Self::in_sequence(content, Sequence::Known)
    }

    pub(crate) fn in_sequence(content: T, sequence: Sequence) -> Self {
        Self(Rc::new(Changing {
            content: RefCell::new(content),
            sequence: Cell::new(sequence),
            version: Cell::new(0),
            born: born(),
            hidden: RefCell::new(None),
            doubt: RefCell::new(None),
        }))
    }

    pub(crate) fn sequence(&self) -> Sequence {
        self.0.sequence.get()
    }

    pub(crate) fn set_sequence(&self, sequence: Sequence) {
        self.0.sequence.set(sequence);
    }

    /// The content, or why it is not known.
    pub(crate) fn get(&self) -> Result<Ref<'_, T>, Rc<Dynamic>> {
        match &*self.0.hidden.borrow() {
            Some(why) => Err(Rc::clone(why)),
            None => self.behind(),
        }
    }

    /// The same, hidden or not.
    pub(super) fn behind(&self) -> Result<Ref<'_, T>, Rc<Dynamic>> {
        match &*self.0.doubt.borrow() {
            Some(doubt) => Err(Rc::clone(doubt)),
            None => Ok(self.0.content.borrow()),
        }
    }

    /// The same, to change it.
    pub(crate) fn get_mut(&self) -> Result<RefMut<'_, T>, Rc<Dynamic>> {
        if let Some(doubt) = &*self.0.doubt.borrow() {
            return Err(Rc::clone(doubt));
        }
        self.0.version.set(self.0.version.get() + 1);
        Ok(self.0.content.borrow_mut())
    }

    /// The content as it was last known.
    pub(crate) fn content_mut(&self) -> RefMut<'_, T> {
        self.0.content.borrow_mut()
    }

    /// From now on nobody knows the content. Answers whether it was known.
    pub(super) fn doubt(&self, why: &Rc<Dynamic>) -> bool {
        self.0.doubt.borrow_mut().replace(Rc::clone(why)).is_none()
    }

    /// How many other contents there were before this one.
    pub(super) fn born(&self) -> usize {
        self.0.born
    }

    /// Keeps it from being looked at; it may still be changed.
    pub(super) fn hide(&self, why: &Rc<Dynamic>) {
        self.0.hidden.borrow_mut().get_or_insert_with(|| Rc::clone(why));
    }

    pub(super) fn show(&self) {
        self.0.hidden.replace(None);
    }

    pub(super) fn version(&self) -> usize {
        self.0.version.get() + usize::from(self.0.doubt.borrow().is_some())
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

thread_local! {
    static BIRTHS: Cell<usize> = const { Cell::new(0) };
}

/// How many contents there are and were in this thread.
pub(super) fn births() -> usize {
    BIRTHS.get()
}

fn born() -> usize {
    BIRTHS.replace(BIRTHS.get() + 1)
}

/// A limit on how many items are looked at: a few lists that hold each other can be larger than any memory when they are written out.
pub(crate) struct Budget(Cell<usize>);

impl Budget {
    pub(crate) fn new(amount: usize) -> Self {
        Self(Cell::new(amount))
    }

    /// `None` where it is used up.
    pub(crate) fn spend(&self, amount: usize) -> Option<()> {
        self.0.set(self.0.get().checked_sub(amount)?);
        Some(())
    }
}
