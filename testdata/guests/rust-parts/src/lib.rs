//! Components that need each other, one for each feature.

/// Bindings of a world.
macro_rules! world {
    ($world:literal) => {
        wit_bindgen::generate!({ path: ["../wit/0.2.12", "../wit/parts"], world: $world, generate_all });
    };
}

#[cfg(any(feature = "whole", feature = "plain"))]
mod whole {
    #[cfg(feature = "whole")]
    world!("parts:whole/whole");
    #[cfg(feature = "plain")]
    world!("parts:whole/plain");

    use exports::wasi::http::incoming_handler::Guest;
    use parts::whole::bags::{total, Bag, Line};
    use parts::whole::{left, right, sums};
    use wasi::http::types::{
        Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
    };

    struct Whole;
    export!(Whole);

    /// Passes a bag to a component that has it from a third one, and takes it back.
    #[cfg(feature = "whole")]
    fn stored(bag: Bag) -> String {
        use parts::whole::shelves::{peek, Shelf};
        let peeked = peek(&bag);
        let shelf = Shelf::new();
        shelf.put(bag);
        let items = shelf.take().map(|b| b.items());
        format!("{peeked:?} {items:?} {}", shelf.take().is_none())
    }

    #[cfg(feature = "plain")]
    fn stored(bag: Bag) -> String {
        format!("{:?}", bag.items())
    }

    impl Guest for Whole {
        /// Calls everything that it imports and responds with the results; the path is an item.
        fn handle(request: IncomingRequest, out: ResponseOutparam) {
            let path = request.path_with_query().unwrap_or_default();
            let bag = Bag::new(&["first".into(), path]);
            let added = [bag.add("more"), bag.add(""), bag.add("more")];
            let merged = Bag::merge(bag, &Bag::new(&["other".into()]));
            let stored = stored(merged);
            let line = |name: &str, sizes: &[u32]| Line { name: name.into(), sizes: sizes.to_vec() };
            let lines = total(&[line("a", &[1, 2, 3]), line("b", &[])]);
            let failed = total(&[]);
            let sum = sums::sum(&(1..=100).collect::<Vec<_>>());
            let counts = [left::next(), right::next(), left::next()];
            let text = format!(
                "{added:?}\n{stored}\n{lines:?}\n{failed:?}\n{sum}\n{counts:?}\n"
            );
            let response = OutgoingResponse::new(Fields::new());
            let body = response.body().unwrap();
            ResponseOutparam::set(out, Ok(response));
            let stream = body.write().unwrap();
            stream.blocking_write_and_flush(text.as_bytes()).unwrap();
            drop(stream);
            OutgoingBody::finish(body, None).unwrap();
        }
    }
}

#[cfg(feature = "bagger")]
mod bagger {
    world!("parts:whole/bagger");

    use exports::parts::whole::{bags, sums};
    use std::cell::RefCell;

    struct Bagger;
    export!(Bagger);

    struct Bag(RefCell<Vec<String>>);

    impl bags::GuestBag for Bag {
        /// The environment's MARK, which the host provides, stands behind each item.
        fn new(items: Vec<String>) -> Self {
            let mark = wasi::cli::environment::get_environment()
                .into_iter()
                .find(|(name, _)| name == "MARK")
                .map_or(String::new(), |(_, value)| value);
            Bag(RefCell::new(items.into_iter().map(|i| i + &mark).collect()))
        }

        fn add(&self, item: String) -> Result<u32, String> {
            if item.is_empty() {
                return Err("nothing to add".into());
            }
            self.0.borrow_mut().push(item);
            Ok(self.0.borrow().len() as u32)
        }

        fn items(&self) -> Vec<String> {
            self.0.borrow().clone()
        }

        fn merge(a: bags::Bag, b: bags::BagBorrow<'_>) -> bags::Bag {
            let mut items = a.get::<Bag>().0.borrow().clone();
            items.extend(b.get::<Bag>().0.borrow().iter().cloned());
            bags::Bag::new(Bag(RefCell::new(items)))
        }
    }

    impl bags::Guest for Bagger {
        type Bag = Bag;

        fn total(lines: Vec<bags::Line>) -> Result<Vec<bags::Line>, String> {
            if lines.is_empty() {
                return Err("no lines".into());
            }
            let total = |l: bags::Line| bags::Line { sizes: vec![l.sizes.iter().sum()], ..l };
            Ok(lines.into_iter().map(total).collect())
        }
    }

    impl sums::Guest for Bagger {
        fn sum(numbers: Vec<u64>) -> u64 {
            numbers.iter().sum()
        }
    }
}

#[cfg(feature = "shelver")]
mod shelver {
    world!("parts:whole/shelver");

    use exports::parts::whole::shelves;
    use parts::whole::{bags, sums};
    use std::cell::RefCell;

    struct Shelver;
    export!(Shelver);

    #[derive(Default)]
    struct Shelf(RefCell<Vec<bags::Bag>>);

    impl shelves::GuestShelf for Shelf {
        fn new() -> Self {
            Shelf::default()
        }

        fn put(&self, b: bags::Bag) {
            self.0.borrow_mut().push(b);
        }

        fn take(&self) -> Option<bags::Bag> {
            self.0.borrow_mut().pop()
        }
    }

    impl shelves::Guest for Shelver {
        type Shelf = Shelf;

        fn peek(b: &bags::Bag) -> Vec<String> {
            let items = b.items();
            let sizes: Vec<u64> = items.iter().map(|i| i.len() as u64).collect();
            let mut items: Vec<String> = items.into_iter().rev().collect();
            items.push(sums::sum(&sizes).to_string());
            items
        }
    }
}

#[cfg(feature = "counting")]
mod counting {
    world!("parts:whole/counting");

    use std::sync::atomic::{AtomicU32, Ordering};

    struct Counting;
    export!(Counting);

    static COUNT: AtomicU32 = AtomicU32::new(0);

    impl exports::parts::whole::counter::Guest for Counting {
        fn next() -> u32 {
            COUNT.fetch_add(1, Ordering::Relaxed) + 1
        }
    }
}

/// A component that exports a function and calls that of another one for it.
macro_rules! through {
    ($feature:literal, $name:ident, $world:literal, $export:ident, $import:ident, $plus:literal) => {
        #[cfg(feature = $feature)]
        mod $name {
            world!($world);

            struct Through;
            export!(Through);

            impl exports::parts::whole::$export::Guest for Through {
                fn next() -> u32 {
                    parts::whole::$import::next() + $plus
                }
            }
        }
    };
}

through!("lefty", lefty, "parts:whole/lefty", left, counter, 100);
through!("righty", righty, "parts:whole/righty", right, counter, 200);
through!("chicken", chicken, "parts:whole/chicken", left, right, 1);
through!("egg", egg, "parts:whole/egg", right, left, 1);
