//! Scopes, what they declare, and which declaration a name refers to.
//!
//! The rules of a language walk its tree once and tell this table what they see, in the order of the
//! text: scopes that begin and end, names that are declared, names that are used. When all is told,
//! [`Table::resolve`] finds the declaration of every use.

use std::collections::HashMap;

use pleach_text::{ByteOffset, ByteRange};
use tree_sitter::Node;

mod resolve;

pub(super) type ScopeId = usize;
pub(super) type DeclarationId = usize;

/// The kinds of names that do not get in each other's way, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space(u8);

impl Space {
    pub(super) const VALUE: Self = Self(1);
    pub(super) const TYPE: Self = Self(2);
    pub(super) const MACRO: Self = Self(4);
    pub(super) const LIFETIME: Self = Self(8);
    pub(super) const LABEL: Self = Self(16);
    pub(super) const VALUE_AND_TYPE: Self = Self(3);
    /// What an import may bring in.
    pub(super) const ITEMS: Self = Self(7);

    fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// How a scope lets names through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScopeKind {
    /// The whole text.
    File,
    /// Lets everything through: blocks, functions where they close over their surroundings.
    Plain,
    /// A body that JavaScript's `var`, Python's assignments and the like are declared in.
    Function,
    /// Rust: a module inside the text. Nothing of what is around it is seen inside.
    Module,
    /// Rust: an item. Of what is around it only items are seen inside.
    Item,
    /// Rust: the body of an implementation or trait: its type parameters are seen by its functions.
    Members,
    /// Python: the body of a class. What it declares is not seen by functions inside.
    Class,
    /// Python: a comprehension, in which an assignment declares in the function around.
    Comprehension,
}

/// What a declaration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A variable or parameter: not seen inside items of Rust.
    Local,
    /// A type parameter or lifetime of Rust: likewise.
    Generic,
    /// A function, type, constant or import that the whole scope knows.
    Item,
}

/// How an occurrence is written, which decides how it can get another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The name and nothing else.
    Plain,
    /// The name of a field or property as well: `Point { x }` becomes `Point { x: new }`. The
    /// key goes to a place before it (`ref x` becomes `x: ref new`).
    Key { at: usize },
    /// The name of something elsewhere as well: `import { a }` becomes `import { a as new }`.
    Import,
    /// The name for others as well: `export { a }` becomes `export { new as a }`.
    Export,
    /// Go's `import "fmt"`, which becomes `import new "fmt"`.
    Path,
}

pub(super) struct Scope<'a> {
    parent: Option<ScopeId>,
    kind: ScopeKind,
    range: ByteRange,
    depth: usize,
    by_name: HashMap<&'a str, Vec<DeclarationId>>,
    /// Rust: modules whose names come in all at once.
    globs: Vec<Vec<&'a str>>,
    /// Something in it may use names that cannot be seen (`eval`).
    is_dynamic: bool,
}

#[derive(Debug)]
pub(super) struct Declaration<'a> {
    pub(super) name: &'a str,
    pub(super) range: ByteRange,
    pub(super) scope: ScopeId,
    pub(super) form: Form,
    /// Whether text elsewhere may use it.
    pub(super) is_shared: bool,
    /// Whether some of its uses cannot be known.
    pub(super) is_uncertain: bool,
    space: Space,
    class: Class,
    /// From where on the scope knows it.
    from: usize,
    /// Rust: the scope of the module that it names.
    module: Option<ScopeId>,
    /// The pattern that declares it: the alternatives of a pattern declare a name once.
    group: Option<usize>,
    /// Rust: what an import imports.
    path: Vec<&'a str>,
}

pub(super) struct Use<'a> {
    pub(super) name: &'a str,
    pub(super) range: ByteRange,
    pub(super) form: Form,
    scope: ScopeId,
    space: Space,
    /// Rust: the path before the name. `self` and `super` are in it as they are written.
    path: Vec<&'a str>,
    /// Python's `global`: looked for in the whole text only.
    in_file: bool,
    /// What it refers to where that is known without looking.
    target: Option<DeclarationId>,
}

/// A name that is mentioned where it cannot be known what it means.
struct Doubt<'a> {
    name: &'a str,
    scope: ScopeId,
    at: usize,
}

/// No program that a person wrote nests deeper. Each name is looked for through all scopes around it,
/// so that a hostile text could make that slow.
const MOST_DEEP: usize = 500;

pub(super) struct Table<'a> {
    pub(super) text: &'a str,
    /// Scopes nest deeper than is looked into; nothing can be said of the text.
    pub(super) is_too_deep: bool,
    scopes: Vec<Scope<'a>>,
    declarations: Vec<Declaration<'a>>,
    uses: Vec<Use<'a>>,
    doubts: Vec<Doubt<'a>>,
    here: ScopeId,
    groups: usize,
    /// For each declaration the first one of the same thing (a union-find forest).
    same: Vec<DeclarationId>,
}

/// All that was found: which declaration each occurrence belongs to.
pub(super) struct Resolved<'a> {
    pub(super) declarations: Vec<Declaration<'a>>,
    /// Every occurrence, by place. The declaration is the first of the same thing; none where it is
    /// declared elsewhere.
    pub(super) occurrences: Vec<Occurrence<'a>>,
    scopes: Vec<Scope<'a>>,
}

#[derive(Clone)]
pub(super) struct Occurrence<'a> {
    pub(super) name: &'a str,
    pub(super) range: ByteRange,
    pub(super) form: Form,
    pub(super) declaration: Option<DeclarationId>,
}

/// Options of a declaration that most do not need.
#[derive(Debug, Clone, Copy)]
pub(super) struct As {
    pub(super) space: Space,
    pub(super) class: Class,
    pub(super) form: Form,
    /// From where on it is known; none for all of its scope.
    pub(super) from: Option<usize>,
    pub(super) is_shared: bool,
    pub(super) is_uncertain: bool,
    pub(super) group: Option<usize>,
    /// When a second declaration of the name in the scope is the same thing.
    pub(super) merges: Merges,
}

/// When two declarations of a name in a scope are the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Merges {
    /// The later one shadows the earlier one.
    Never,
    /// When they are of the same kind of names: Python's assignments, Rust's items under `cfg`.
    InItsSpace,
    /// Always: a TypeScript type and constant of one name are exported as one.
    Always,
}

impl As {
    /// A variable that shadows what was declared before.
    pub(super) const LOCAL: Self = Self {
        space: Space::VALUE,
        class: Class::Local,
        form: Form::Plain,
        from: None,
        is_shared: false,
        is_uncertain: false,
        group: None,
        merges: Merges::Never,
    };

    /// Something that all of its scope knows.
    pub(super) const ITEM: Self = Self {
        class: Class::Item,
        merges: Merges::InItsSpace,
        ..Self::LOCAL
    };

    pub(super) fn space(self, space: Space) -> Self {
        Self { space, ..self }
    }

    pub(super) fn from(self, from: usize) -> Self {
        Self {
            from: Some(from),
            ..self
        }
    }

    pub(super) fn form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    pub(super) fn shared(self, is_shared: bool) -> Self {
        Self { is_shared, ..self }
    }

    pub(super) fn uncertain(self, is_uncertain: bool) -> Self {
        Self {
            is_uncertain,
            ..self
        }
    }
}

impl<'a> Table<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let file = Scope {
            parent: None,
            kind: ScopeKind::File,
            range: ByteRange::from(0..text.len()),
            depth: 0,
            by_name: HashMap::new(),
            globs: Vec::new(),
            is_dynamic: false,
        };
        Self {
            text,
            is_too_deep: false,
            scopes: vec![file],
            declarations: Vec::new(),
            uses: Vec::new(),
            doubts: Vec::new(),
            here: 0,
            groups: 0,
            same: Vec::new(),
        }
    }

    /// The text at a range of the file; empty outside.
    pub(super) fn text_at(&self, range: ByteRange) -> &'a str {
        range.of(self.text).unwrap_or("")
    }

    pub(super) fn here(&self) -> ScopeId {
        self.here
    }

    pub(super) fn kind_of(&self, scope: ScopeId) -> ScopeKind {
        self.scopes
            .get(scope)
            .map_or(ScopeKind::File, |scope| scope.kind)
    }

    pub(super) fn parent_of(&self, scope: ScopeId) -> Option<ScopeId> {
        self.scopes.get(scope)?.parent
    }

    /// Begins a scope inside the present one.
    pub(super) fn enter(&mut self, kind: ScopeKind, range: ByteRange) -> ScopeId {
        let depth = self
            .scopes
            .get(self.here)
            .map_or(0, |scope| scope.depth + 1);
        self.is_too_deep |= depth > MOST_DEEP;
        self.scopes.push(Scope {
            parent: Some(self.here),
            kind,
            range,
            depth,
            by_name: HashMap::new(),
            globs: Vec::new(),
            is_dynamic: false,
        });
        self.here = self.scopes.len() - 1;
        self.here
    }

    /// Ends the present scope.
    pub(super) fn leave(&mut self) {
        self.here = self.parent_of(self.here).unwrap_or(0);
    }

    /// Goes back to a scope that was left, to tell more of it.
    pub(super) fn go_to(&mut self, scope: ScopeId) {
        if scope < self.scopes.len() {
            self.here = scope;
        }
    }

    /// The nearest scope from the present one outwards that is one of some kinds, or the file.
    pub(super) fn nearest(&self, kinds: &[ScopeKind]) -> ScopeId {
        let mut scope = self.here;
        while !kinds.contains(&self.kind_of(scope)) {
            match self.parent_of(scope) {
                Some(parent) => scope = parent,
                None => return scope,
            }
        }
        scope
    }

    /// A number for a pattern whose alternatives declare the same names.
    pub(super) fn new_group(&mut self) -> usize {
        self.groups += 1;
        self.groups
    }

    pub(super) fn declare(&mut self, range: ByteRange, how: As) -> Option<DeclarationId> {
        self.declare_in(self.here, range, how)
    }

    /// Declares the name that is written at a place. `_` declares nothing.
    pub(super) fn declare_in(
        &mut self,
        scope: ScopeId,
        range: ByteRange,
        how: As,
    ) -> Option<DeclarationId> {
        let name = self.text_at(range);
        self.declare_as(scope, name, range, how)
    }

    /// Declares a name that is not written as such at its place (the `fmt` of Go's `"fmt"`).
    pub(super) fn declare_as(
        &mut self,
        scope: ScopeId,
        name: &'a str,
        range: ByteRange,
        how: As,
    ) -> Option<DeclarationId> {
        if name.is_empty() || name == "_" {
            return None;
        }
        let id = self.declarations.len();
        let of_name = self.scopes.get_mut(scope)?.by_name.entry(name).or_default();
        let first = of_name.iter().copied().find(|other| {
            self.declarations.get(*other).is_some_and(|other| {
                let is_same_space = other.space.meets(how.space);
                match how.merges {
                    Merges::Always => true,
                    Merges::InItsSpace => is_same_space,
                    Merges::Never => {
                        is_same_space && how.group.is_some() && other.group == how.group
                    }
                }
            })
        });
        of_name.push(id);
        self.declarations.push(Declaration {
            name,
            range,
            scope,
            form: how.form,
            is_shared: how.is_shared,
            is_uncertain: how.is_uncertain,
            space: how.space,
            class: how.class,
            from: how.from.unwrap_or(0),
            module: None,
            group: how.group,
            path: Vec::new(),
        });
        self.same.push(id);
        if let Some(first) = first {
            self.unite(first, id);
        }
        Some(id)
    }

    /// Whether a scope itself declares a name so far.
    pub(super) fn declares(&self, scope: ScopeId, name: &str) -> bool {
        self.scopes
            .get(scope)
            .is_some_and(|scope| scope.by_name.contains_key(name))
    }

    /// The module that a declaration names.
    pub(super) fn names_module(&mut self, declaration: Option<DeclarationId>, module: ScopeId) {
        if let Some(declaration) = declaration.and_then(|id| self.declarations.get_mut(id)) {
            declaration.module = Some(module);
        }
    }

    /// What an import imports: if that is in this text, the two are the same thing.
    pub(super) fn imports(&mut self, declaration: Option<DeclarationId>, path: Vec<&'a str>) {
        if let Some(declaration) = declaration.and_then(|id| self.declarations.get_mut(id)) {
            declaration.path = path;
        }
    }

    /// Everything of a module comes into the present scope.
    pub(super) fn imports_all(&mut self, path: Vec<&'a str>) {
        if let Some(scope) = self.scopes.get_mut(self.here) {
            scope.globs.push(path);
        }
    }

    pub(super) fn refer(&mut self, range: ByteRange, space: Space) {
        self.refer_as(range, space, Form::Plain);
    }

    pub(super) fn refer_as(&mut self, range: ByteRange, space: Space, form: Form) {
        self.refer_by_path(range, space, form, Vec::new());
    }

    pub(super) fn refer_by_path(
        &mut self,
        range: ByteRange,
        space: Space,
        form: Form,
        path: Vec<&'a str>,
    ) {
        let name = self.text_at(range);
        if !name.is_empty() && name != "_" {
            self.uses.push(Use {
                name,
                range,
                form,
                scope: self.here,
                space,
                path,
                in_file: false,
                target: None,
            });
        }
    }

    /// A name that means what the whole text declares, whatever is around it.
    pub(super) fn refer_in_file(&mut self, range: ByteRange) {
        self.refer(range, Space::VALUE);
        if let Some(last) = self.uses.last_mut() {
            last.in_file = true;
        }
    }

    /// A name that is known to refer to a declaration.
    pub(super) fn refer_to(&mut self, range: ByteRange, target: DeclarationId) {
        self.refer(range, Space::VALUE);
        if let Some(last) = self.uses.last_mut() {
            last.target = Some(target);
        }
    }

    /// The declaration that a name would refer to in a scope, of what was told so far.
    pub(super) fn lookup(&self, name: &str, scope: ScopeId, at: usize) -> Option<DeclarationId> {
        self.find(name, Space::VALUE_AND_TYPE, scope, at)
            .map(|id| self.root_of(id))
    }

    /// The first declaration of the same thing.
    pub(super) fn first_of(&self, id: DeclarationId) -> DeclarationId {
        self.root_of(id)
    }

    /// Some uses of a declaration cannot be known.
    pub(super) fn make_uncertain(&mut self, id: DeclarationId) {
        if let Some(declaration) = self.declarations.get_mut(id) {
            declaration.is_uncertain = true;
        }
    }

    /// A name stands where it cannot be known what it means: whatever it could mean becomes uncertain.
    pub(super) fn doubt(&mut self, range: ByteRange) {
        self.doubts.push(Doubt {
            name: self.text_at(range),
            scope: self.here,
            at: range.start.0,
        });
    }

    /// Likewise, for a name that is mentioned before what it may mean is declared.
    pub(super) fn doubt_anywhere(&mut self, range: ByteRange) {
        self.doubts.push(Doubt {
            name: self.text_at(range),
            scope: self.here,
            at: usize::MAX,
        });
    }

    /// Something here may use names that cannot be seen: all that are known here are uncertain.
    pub(super) fn is_dynamic_here(&mut self) {
        self.mark_dynamic(|_| true);
    }

    /// Something here lists the names of the function that it is in, or of the file.
    pub(super) fn names_are_listed_here(&mut self) {
        let own = self.nearest(&[ScopeKind::Function, ScopeKind::Class]);
        self.mark_dynamic(|scope| scope >= own);
    }

    /// From here outwards, as long as a scope is one of those that are meant.
    fn mark_dynamic(&mut self, is_meant: impl Fn(ScopeId) -> bool) {
        let mut next = Some(self.here).filter(|scope| is_meant(*scope));
        while let Some(scope) = next.and_then(|scope| self.scopes.get_mut(scope)) {
            scope.is_dynamic = true;
            next = scope.parent.filter(|scope| is_meant(*scope));
        }
    }

    fn root_of(&self, mut id: DeclarationId) -> DeclarationId {
        while let Some(parent) = self.same.get(id).copied().filter(|parent| *parent != id) {
            id = parent;
        }
        id
    }

    fn unite(&mut self, one: DeclarationId, other: DeclarationId) {
        let (one, other) = (self.root_of(one), self.root_of(other));
        // The earlier one stands for both.
        if let Some(parent) = self.same.get_mut(one.max(other)) {
            *parent = one.min(other);
        }
    }
}

impl Resolved<'_> {
    /// What the scope of a declaration covers.
    pub(super) fn scope_range(&self, declaration: &Declaration<'_>) -> ByteRange {
        self.scopes
            .get(declaration.scope)
            .map(|scope| scope.range)
            .unwrap_or_default()
    }

    /// The occurrence at a place; right behind it counts too.
    pub(super) fn at(&self, at: ByteOffset) -> Option<&Occurrence<'_>> {
        let behind = self
            .occurrences
            .partition_point(|one| one.range.start <= at);
        self.occurrences
            .get(..behind)?
            .iter()
            .rev()
            .take(2)
            .find(|one| one.range.start <= at && at <= one.range.end)
    }
}

/// A node with how far its text lies behind where its tree says (see the macros of Rust).
pub(super) fn shifted(node: Node<'_>, by: isize) -> ByteRange {
    let shift = |byte: usize| byte.checked_add_signed(by).unwrap_or(0);
    ByteRange::from(shift(node.start_byte())..shift(node.end_byte()))
}
