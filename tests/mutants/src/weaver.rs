//! Finds the code of each mutant in a file, and what has to be written there.
//!
//! Not everything can be switched: no value of a `const`, no `&&` beside a `let`, no arm that a `match` is not
//! complete without, no other value for `impl Trait` but for iterators. These are left to cargo-mutants itself.

use std::collections::HashMap;
use std::ops::Range;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Arm, BinOp, Block, Expr, ExprBinary, ExprConst, ExprMatch, ExprStruct, ExprUnary, Pat, Signature,
    TypeParamBound,
};

use super::edit::{self, Change, Edit, is_on, marked};
use super::{Mutant, Place};

pub struct Weaver<'a> {
    source: &'a str,
    mutants: &'a HashMap<Place, Vec<Mutant>>,
    edits: Vec<Edit>,
    woven: Vec<usize>,
}

impl<'a> Weaver<'a> {
    /// The text with all mutants that can be switched, and their numbers.
    pub fn weave(
        source: &'a str,
        mutants: &'a HashMap<Place, Vec<Mutant>>,
    ) -> syn::Result<(String, Vec<usize>)> {
        let mut weaver = Self { source, mutants, edits: Vec::new(), woven: Vec::new() };
        weaver.visit_file(&syn::parse_file(source)?);
        edit::sort(&mut weaver.edits);
        Ok((edit::apply(source, &weaver.edits, 0..source.len()), weaver.woven))
    }

    /// The mutants of this sort whose code begins where `span` does.
    fn mutants_at(&self, span: Span, genre: &str) -> Vec<Mutant> {
        let start = span.start();
        let place = Place { line: start.line, column: start.column + 1 };
        let here = self.mutants.get(&place).map(Vec::as_slice).unwrap_or_default();
        here.iter().filter(|mutant| mutant.genre == genre).cloned().collect()
    }

    fn change(&mut self, numbers: &[usize], range: Range<usize>, change: Change) {
        self.woven.extend(numbers);
        self.edits.push(Edit { range, change });
    }

    fn insert(&mut self, numbers: &[usize], at: usize, code: String) {
        self.change(numbers, at..at, Change::Insert(code));
    }

    /// Another value for the whole function.
    fn replace_value(&mut self, signature: &Signature, block: &Block) {
        // A switch cannot be asked at compile time.
        if let Some(constness) = &signature.constness {
            self.change(&[], bytes(constness), Change::Delete);
        }
        let syn::ReturnType::Type(_, returned) = &signature.output else {
            return self.replace_statements(block);
        };
        match &**returned {
            syn::Type::ImplTrait(returned) if is_iterator(returned) => self.replace_iterator(block),
            syn::Type::ImplTrait(_) => {}
            _ => self.replace_statements(block),
        }
    }

    /// Which of two types an `impl Iterator` is, cannot be said while it runs: it is one that may be either.
    fn replace_iterator(&mut self, block: &Block) {
        let Some(first) = block.stmts.first() else { return };
        let braces = block.brace_token.span;
        let (start, end) = (braces.open().byte_range().end, braces.close().byte_range().start);
        for Mutant { number, replacement, .. } in self.mutants_at(first.span(), "FnValue") {
            let mutant = marked(number, &format!("{}.then(|| {replacement})", is_on(number)));
            self.insert(&[number], start, " crate::mutant::Either::new({".to_owned());
            self.insert(&[], end, format!("}}, {mutant}) "));
        }
    }

    fn replace_statements(&mut self, block: &Block) {
        let Some(first) = block.stmts.first() else { return };
        for Mutant { number, replacement, .. } in self.mutants_at(first.span(), "FnValue") {
            let mutant = marked(number, &format!("if {} {{ return {replacement}; }}", is_on(number)));
            self.insert(&[number], bytes(first).start, mutant + " ");
        }
    }

    /// A `match` that is complete without `arm` has another that takes whatever comes.
    fn delete_arm(&mut self, arm: &Arm, others: &[Arm]) {
        let takes_all = |other: &Arm| {
            let any = matches!(other.pat, Pat::Wild(_))
                || matches!(&other.pat, Pat::Ident(name) if is_variable(name));
            any && other.guard.is_none() && other.span().start() != arm.span().start()
        };
        if !others.iter().any(takes_all) {
            return;
        }
        for Mutant { number, .. } in self.mutants_at(arm.span(), "MatchArm") {
            match &arm.guard {
                Some((_, guard)) => {
                    self.insert(&[number], bytes(guard).start, format!("!{} && ", is_on(number)))
                }
                None => self.insert(&[number], bytes(&arm.pat).end, format!(" if !{}", is_on(number))),
            }
        }
    }

    fn replace_guard(&mut self, guard: &Expr) {
        let mutants = self.mutants_at(guard.span(), "MatchArmGuard");
        let number_of = |value: &str| {
            mutants.iter().find(|mutant| mutant.replacement == value).map(|mutant| mutant.number)
        };
        let (always, never) = (number_of("true"), number_of("false"));
        let numbers: Vec<_> = always.into_iter().chain(never).collect();
        if !numbers.is_empty() {
            self.change(&numbers, bytes(guard), Change::Guard { always, never });
        }
    }
}

impl<'ast> Visit<'ast> for Weaver<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.replace_value(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.replace_value(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.replace_value(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    // What is evaluated at compile time stays as it is.
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_pat(&mut self, _: &'ast Pat) {}

    /// What it calls is not `const` any more, so that it is evaluated when it is reached.
    fn visit_expr_const(&mut self, block: &'ast ExprConst) {
        self.change(&[], bytes(&block.const_token), Change::Delete);
    }

    /// One value for all places has to be a constant where it cannot be copied.
    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        if !matches!(*repeat.expr, Expr::Const(_)) {
            self.visit_expr(&repeat.expr);
        }
    }

    fn visit_expr_binary(&mut self, binary: &'ast ExprBinary) {
        let mutants = self.mutants_at(binary.op.span(), "BinaryOperator");
        if let (Some(first), false) = (mutants.first(), has_let(binary)) {
            let (left, right) = (bytes(&binary.left), bytes(&binary.right));
            let is_and = matches!(binary.op, BinOp::And(_));
            let change = if is_and || matches!(binary.op, BinOp::Or(_)) {
                Change::Lazy { left, right, is_and, number: first.number }
            } else {
                let operator = self.source[bytes(&binary.op)].to_owned();
                let others =
                    mutants.iter().map(|mutant| (mutant.number, mutant.replacement.clone())).collect();
                Change::Operator { left, operator, right, others }
            };
            let numbers: Vec<_> = mutants.iter().map(|mutant| mutant.number).collect();
            self.change(&numbers, bytes(binary), change);
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast ExprUnary) {
        for Mutant { number, .. } in self.mutants_at(unary.op.span(), "UnaryOperator") {
            let operator = self.source[bytes(&unary.op)].to_owned();
            let change = Change::Bare { operator, operand: bytes(&unary.expr), number };
            self.change(&[number], bytes(unary), change);
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_match(&mut self, item: &'ast ExprMatch) {
        for arm in &item.arms {
            self.delete_arm(arm, &item.arms);
            if let Some((_, guard)) = &arm.guard {
                self.replace_guard(guard);
            }
        }
        visit::visit_expr_match(self, item);
    }

    /// A field that is left out has the value of the rest.
    fn visit_expr_struct(&mut self, item: &'ast ExprStruct) {
        for field in &item.fields {
            let (Some(rest), syn::Member::Named(name)) = (&item.rest, &field.member) else { continue };
            for Mutant { number, .. } in self.mutants_at(field.span(), "StructField") {
                let rest = &self.source[bytes(rest)];
                let label = if field.colon_token.is_some() { String::new() } else { format!("{name}: ") };
                let mutant = marked(number, &format!("({rest}).{name}"));
                let value = bytes(&field.expr);
                let code = format!("{label}if {} {{ {mutant} }} else {{ ", is_on(number));
                self.insert(&[number], value.start, code);
                self.insert(&[], value.end, " }".to_owned());
            }
        }
        visit::visit_expr_struct(self, item);
    }
}

fn bytes(part: &impl Spanned) -> Range<usize> {
    part.span().byte_range()
}

fn is_iterator(returned: &syn::TypeImplTrait) -> bool {
    returned.bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            bound.path.segments.last().is_some_and(|name| name.ident == "Iterator")
        }
        _ => false,
    })
}

/// Whether a side of it, or of a chain that it is made of, is a `let`.
fn has_let(binary: &ExprBinary) -> bool {
    [&binary.left, &binary.right].into_iter().any(|side| match &**side {
        Expr::Let(_) => true,
        Expr::Binary(inner) => has_let(inner),
        _ => false,
    })
}

/// And not a constant or a variant, which look the same but for the first letter.
fn is_variable(pattern: &syn::PatIdent) -> bool {
    pattern.subpat.is_none() && pattern.ident.to_string().starts_with(char::is_lowercase)
}
