//! Arguments by name: whose parameters the `name=` of calls name.

use super::super::scopes::DeclarationId;
use super::{Function, Keyword, Walker};
use crate::walk::range_of;

impl<'tree> Walker<'_, 'tree> {
    /// Finds whose parameters the `name=` of calls name.
    pub(super) fn settle_keywords(&mut self) {
        for keyword in std::mem::take(&mut self.keywords) {
            let name = self.table.text_at(keyword.name);
            if !self
                .functions
                .iter()
                .any(|function| function.parameters.contains_key(name))
            {
                continue;
            }
            let callee = keyword.call.child_by_field_name("function");
            let at = keyword.call.start_byte();
            let target = callee
                .filter(|callee| callee.kind() == "identifier")
                .map(|callee| {
                    self.table
                        .lookup(self.table.text_at(range_of(callee)), keyword.scope, at)
                });
            let is_callee = |function: &Function<'_>| {
                let declared = function.callee.map(|id| self.table.first_of(id));
                declared.is_some() && target.flatten() == declared
            };
            let direct: Vec<DeclarationId> = self
                .functions
                .iter()
                .filter(|function| is_callee(function))
                .filter_map(|function| function.parameters.get(name).copied())
                .collect();
            if let [parameter] = direct.as_slice() {
                self.table.refer_to(keyword.name, *parameter);
                continue;
            }
            let doubtful = self.possibly_called(&keyword, name, target.flatten());
            for parameter in doubtful.into_iter().chain(direct) {
                self.table.make_uncertain(parameter);
            }
        }
    }

    /// The parameters of a name that a call might mean: of a method called so, of a function among
    /// the arguments (`partial(f, x=1)`), of anything where a variable is called.
    fn possibly_called(
        &self,
        keyword: &Keyword<'tree>,
        name: &str,
        target: Option<DeclarationId>,
    ) -> Vec<DeclarationId> {
        let callee = keyword.call.child_by_field_name("function");
        let method = callee
            .and_then(|callee| callee.child_by_field_name("attribute"))
            .map(|attribute| self.table.text_at(range_of(attribute)));
        let arguments = keyword.call.child_by_field_name("arguments");
        let mut mentioned = Vec::new();
        if let Some(arguments) = arguments {
            let mut cursor = arguments.walk();
            mentioned.extend(
                arguments
                    .named_children(&mut cursor)
                    .filter(|argument| argument.kind() == "identifier")
                    .map(|argument| self.table.text_at(range_of(argument))),
            );
        }
        let is_other_function = target.is_some_and(|target| {
            self.functions.iter().any(|function| {
                function
                    .callee
                    .is_some_and(|id| self.table.first_of(id) == target)
            })
        });
        let is_variable = target.is_some() && !is_other_function;
        self.functions
            .iter()
            .filter(|function| {
                is_variable
                    || method.is_some_and(|method| method == function.name)
                    || mentioned.contains(&function.name)
                    || callee
                        .is_some_and(|callee| !matches!(callee.kind(), "identifier" | "attribute"))
            })
            .filter_map(|function| function.parameters.get(name).copied())
            .collect()
    }
}
