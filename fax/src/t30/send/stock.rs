//! The pages that the driver has handed in: the one in hand and the one after it, no more.

use super::super::{Input, Output};
use crate::page::Page;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Pages asked for and received.
#[derive(Debug)]
pub(super) struct Stock {
    pages: Vec<(u32, Page)>,
    /// The first page that is to be sent.
    first: u32,
    /// Every page before this one has been asked for.
    asked: u32,
    missing: Option<u32>,
}

impl Stock {
    pub(super) fn new(first: u32) -> Self {
        Self { pages: Vec::new(), first, asked: first, missing: None }
    }

    pub(super) fn first(&self) -> u32 {
        self.first
    }

    /// Asks the driver for a page, once.
    pub(super) fn want(&mut self, page: u32, out: &mut VecDeque<Output>) {
        if page >= self.asked {
            self.asked = page + 1;
            out.push_back(Output::NeedPage(page));
        }
    }

    /// Takes a page that was asked for, and passes the input on. Until a page is on its way the driver may put another in
    /// its place, or take it back.
    pub(super) fn take(&mut self, input: Input) -> Input {
        match input {
            Input::Page(index, page) => {
                if index < self.asked {
                    self.pages.retain(|(other, _)| *other != index);
                    self.pages.push((index, page));
                    self.missing = self.missing.filter(|missing| *missing != index);
                }
                // The states only want to know that something has come.
                Input::NoPage(index)
            }
            Input::NoPage(index) => {
                if self.get(index).is_some() {
                    self.pages.retain(|(other, _)| *other != index);
                } else if index < self.asked {
                    self.missing = Some(index);
                }
                input
            }
            other => other,
        }
    }

    pub(super) fn get(&self, page: u32) -> Option<&Page> {
        self.pages.iter().find(|(index, _)| *index == page).map(|(_, page)| page)
    }

    /// Whether the driver has said that it has no such page.
    pub(super) fn is_missing(&self, page: u32) -> bool {
        self.missing == Some(page)
    }

    /// Pages up to this one are needed no more.
    pub(super) fn drop_up_to(&mut self, page: u32) {
        self.pages.retain(|(index, _)| *index > page);
    }
}
