//! Finding the declaration of every use, when all of a text has been told.

use std::collections::BTreeSet;

use super::{
    Class, Declaration, DeclarationId, Form, Occurrence, Resolved, ScopeId, ScopeKind, Space,
    Table, Use,
};

impl<'a> Table<'a> {
    /// Finds the declaration of every use.
    pub(in super::super) fn resolve(mut self) -> Resolved<'a> {
        self.unite_imports();
        let mut occurrences: Vec<Occurrence<'a>> = self
            .declarations
            .iter()
            .enumerate()
            .map(|(id, declaration)| Occurrence {
                name: declaration.name,
                range: declaration.range,
                form: declaration.form,
                declaration: Some(self.root_of(id)),
            })
            .collect();
        for used in &self.uses {
            let found = match used.target {
                Some(target) => Some(target),
                None => self.find_used(used),
            };
            if found.is_none() && !used.path.is_empty() {
                // The last part of a path that leads elsewhere is nothing of this text.
                continue;
            }
            occurrences.push(Occurrence {
                name: used.name,
                range: used.range,
                form: used.form,
                declaration: found.map(|id| self.root_of(id)),
            });
        }
        // A declaration may also be told as a use, and a form that says more wins.
        occurrences.sort_by_key(|one| {
            (
                one.range,
                one.form == Form::Plain,
                one.declaration.is_none(),
            )
        });
        occurrences.dedup_by_key(|one| one.range);
        self.settle_doubts();
        Resolved {
            declarations: self.declarations,
            occurrences,
            scopes: self.scopes,
        }
    }

    fn unite_imports(&mut self) {
        for id in 0..self.declarations.len() {
            let Some(import) = self.declarations.get(id) else {
                continue;
            };
            if import.path.len() < 2 {
                continue;
            }
            let path = import.path.clone();
            let (Some((name, modules)), scope, space) =
                (path.split_last(), import.scope, import.space)
            else {
                continue;
            };
            if let Some(target) = self.find_in_modules(modules, name, space, scope)
                && target != id
            {
                self.unite(target, id);
                // It has one name here and there.
                if let Some(import) = self.declarations.get_mut(id) {
                    import.form = Form::Plain;
                }
            }
        }
    }

    fn settle_doubts(&mut self) {
        let mut uncertain = BTreeSet::new();
        for doubt in &self.doubts {
            for space in [Space::VALUE, Space::TYPE, Space::MACRO] {
                uncertain.extend(self.find(doubt.name, space, doubt.scope, doubt.at));
            }
        }
        uncertain.extend(
            self.uses
                .iter()
                .flat_map(|used| self.of_class_or_around(used)),
        );
        for (id, declaration) in self.declarations.iter().enumerate() {
            let in_dynamic = self
                .scopes
                .get(declaration.scope)
                .is_some_and(|scope| scope.is_dynamic);
            if declaration.is_uncertain || in_dynamic {
                uncertain.insert(id);
            }
        }
        let roots: BTreeSet<DeclarationId> =
            uncertain.into_iter().map(|id| self.root_of(id)).collect();
        for id in 0..self.declarations.len() {
            let is_uncertain = roots.contains(&self.root_of(id));
            if let Some(declaration) = self.declarations.get_mut(id) {
                declaration.is_uncertain = is_uncertain;
            }
        }
        // What is shared once is shared.
        let shared: BTreeSet<DeclarationId> = self
            .declarations
            .iter()
            .enumerate()
            .filter(|(_, declaration)| declaration.is_shared)
            .map(|(id, _)| self.root_of(id))
            .collect();
        for id in shared {
            if let Some(declaration) = self.declarations.get_mut(id) {
                declaration.is_shared = true;
            }
        }
    }

    /// A statement of a Python class that uses a name of the class means the one around it as long as
    /// that of the class has no value (`x = x`): which one it is depends on what ran before.
    fn of_class_or_around(&self, used: &Use<'a>) -> Vec<DeclarationId> {
        if self.kind_of(used.scope) != ScopeKind::Class || used.in_file {
            return Vec::new();
        }
        let at = used.range.start.0;
        let own = self.own(used.scope, used.name, used.space, at, |_| true);
        let around = self
            .parent_of(used.scope)
            .and_then(|parent| self.find(used.name, used.space, parent, at));
        own.zip(around)
            .map_or(Vec::new(), |(own, around)| vec![own, around])
    }

    fn find_used(&self, used: &Use<'a>) -> Option<DeclarationId> {
        if used.in_file {
            self.own(0, used.name, used.space, usize::MAX, |_| true)
        } else if used.path.is_empty() {
            self.find(used.name, used.space, used.scope, used.range.start.0)
        } else {
            self.find_in_modules(&used.path, used.name, used.space, used.scope)
        }
    }

    /// Follows a path of modules of this text: `super::inner::name`.
    fn find_in_modules(
        &self,
        modules: &[&'a str],
        name: &str,
        space: Space,
        scope: ScopeId,
    ) -> Option<DeclarationId> {
        let module = self.module_at(modules, scope)?;
        self.own(module, name, space, usize::MAX, |found| {
            found.class == Class::Item
        })
        .or_else(|| self.through_globs(module, name, space, &mut BTreeSet::new()))
    }

    fn module_at(&self, path: &[&'a str], scope: ScopeId) -> Option<ScopeId> {
        let own_module = |mut scope: ScopeId| {
            while !matches!(self.kind_of(scope), ScopeKind::Module | ScopeKind::File) {
                scope = self.parent_of(scope)?;
            }
            Some(scope)
        };
        let mut parts = path.iter();
        let first = parts.next()?;
        let mut module = match *first {
            "self" => own_module(scope)?,
            // The file's own parent is another file.
            "super" => own_module(self.parent_of(own_module(scope)?)?)?,
            name => {
                let found = self.find(name, Space::TYPE, scope, usize::MAX)?;
                self.declarations.get(found)?.module?
            }
        };
        for part in parts {
            module = match *part {
                "super" => own_module(self.parent_of(module)?)?,
                name => {
                    let found = self.own(module, name, Space::TYPE, usize::MAX, |_| true)?;
                    self.declarations.get(found)?.module?
                }
            };
        }
        Some(module)
    }

    /// Looks for a name from a scope outwards.
    pub(super) fn find(
        &self,
        name: &str,
        space: Space,
        scope: ScopeId,
        at: usize,
    ) -> Option<DeclarationId> {
        let mut next = Some(scope);
        let mut only_items = false;
        while let Some(id) = next {
            let here = self.scopes.get(id)?;
            let is_visible = |found: &Declaration<'_>| {
                !only_items || found.class == Class::Item || space == Space::LABEL
            };
            // A class of Python is seen by its own statements only.
            let is_skipped = here.kind == ScopeKind::Class && id != scope;
            if !is_skipped && let Some(found) = self.own(id, name, space, at, is_visible) {
                return Some(found);
            }
            if matches!(
                here.kind,
                ScopeKind::Module | ScopeKind::File | ScopeKind::Plain
            ) && !here.globs.is_empty()
                && let Some(found) = self.through_globs(id, name, space, &mut BTreeSet::new())
            {
                return Some(found);
            }
            match here.kind {
                ScopeKind::Module if space != Space::MACRO => return None,
                ScopeKind::Item => {
                    // A function of an implementation sees its type parameters.
                    only_items |= !here
                        .parent
                        .is_some_and(|parent| self.kind_of(parent) == ScopeKind::Members);
                }
                ScopeKind::Members => only_items = true,
                _ => {}
            }
            next = here.parent;
        }
        None
    }

    /// What a scope itself declares: the last declaration that is known at a place.
    fn own(
        &self,
        scope: ScopeId,
        name: &str,
        space: Space,
        at: usize,
        is_visible: impl Fn(&Declaration<'a>) -> bool,
    ) -> Option<DeclarationId> {
        let of_name = self.scopes.get(scope)?.by_name.get(name)?;
        of_name
            .iter()
            .copied()
            .filter(|id| {
                self.declarations.get(*id).is_some_and(|found| {
                    found.space.meets(space) && found.from <= at && is_visible(found)
                })
            })
            .max_by_key(|id| self.declarations.get(*id).map(|found| (found.from, *id)))
    }

    fn through_globs(
        &self,
        scope: ScopeId,
        name: &str,
        space: Space,
        seen: &mut BTreeSet<ScopeId>,
    ) -> Option<DeclarationId> {
        // Each level looks at modules not seen before, so this ends; modules nest only as deep as
        // they are written, and globs of globs are rare.
        let mut todo = vec![scope];
        while let Some(scope) = todo.pop() {
            if !seen.insert(scope) {
                continue;
            }
            for path in &self.scopes.get(scope)?.globs {
                // A glob must not be looked up through itself.
                let Some(module) = self.glob_target(path, scope) else {
                    continue;
                };
                if let Some(found) = self.own(module, name, space, usize::MAX, |found| {
                    found.class == Class::Item
                }) {
                    return Some(found);
                }
                todo.push(module);
            }
        }
        None
    }

    fn glob_target(&self, path: &[&'a str], scope: ScopeId) -> Option<ScopeId> {
        match path.first().copied() {
            Some("self" | "super") => self.module_at(path, scope),
            Some(first) => {
                // Only what the scopes around declare themselves: no globs on the way.
                let mut next = Some(scope);
                while let Some(id) = next {
                    if let Some(found) = self.own(id, first, Space::TYPE, usize::MAX, |_| true) {
                        let mut module = self.declarations.get(found)?.module?;
                        for part in path.get(1..).unwrap_or(&[]) {
                            let inner =
                                self.own(module, part, Space::TYPE, usize::MAX, |_| true)?;
                            module = self.declarations.get(inner)?.module?;
                        }
                        return Some(module);
                    }
                    if self.kind_of(id) == ScopeKind::Module {
                        return None;
                    }
                    next = self.parent_of(id);
                }
                None
            }
            None => None,
        }
    }
}
