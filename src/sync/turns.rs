#![cfg(test)]
//! The primitives, each use of which is a turn. Behind each stands the real one: that those work is the business of their
//! own tests, that they are used in the right order is that of these.

use std::future::Future;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, LockResult, MutexGuard, TryLockError};

pub(crate) use arc_swap::Guard;
use quick_cache::sync::DefaultLifecycle;
use quick_cache::{DefaultHashBuilder, Equivalent, Options, UnitWeighter};
use tokio::sync::futures::Notified;
use tokio::sync::{AcquireError, SemaphorePermit};

use super::orders::{is_playing, turn};

#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        turn();
        // All turns are taken on one thread: whoever blocked it would wait for itself.
        while is_playing() && matches!(self.0.try_lock(), Err(TryLockError::WouldBlock)) {
            turn();
        }
        self.0.lock()
    }
}

pub(crate) struct ArcSwap<T>(arc_swap::ArcSwap<T>);

impl<T> ArcSwap<T> {
    pub(crate) fn from_pointee(value: T) -> Self {
        Self(arc_swap::ArcSwap::from_pointee(value))
    }

    pub(crate) fn load(&self) -> Guard<Arc<T>> {
        turn();
        self.0.load()
    }

    pub(crate) fn load_full(&self) -> Arc<T> {
        turn();
        self.0.load_full()
    }

    pub(crate) fn store(&self, value: Arc<T>) {
        turn();
        self.0.store(value);
    }
}

#[derive(Debug)]
pub(crate) struct Notify(tokio::sync::Notify);

impl Notify {
    pub(crate) const fn new() -> Self {
        Self(tokio::sync::Notify::const_new())
    }

    pub(crate) fn notify_one(&self) {
        turn();
        self.0.notify_one();
    }

    pub(crate) fn notified(&self) -> Notified<'_> {
        turn();
        self.0.notified()
    }
}

pub(crate) mod watch {
    use tokio::sync::watch;
    use tokio::sync::watch::Ref;
    use tokio::sync::watch::error::RecvError;

    use super::turn;

    pub(crate) fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = watch::channel(value);
        (Sender(sender), Receiver(receiver))
    }

    pub(crate) struct Sender<T>(watch::Sender<T>);

    impl<T> Sender<T> {
        pub(crate) fn send_replace(&self, value: T) -> T {
            turn();
            self.0.send_replace(value)
        }
    }

    #[derive(Clone)]
    pub(crate) struct Receiver<T>(watch::Receiver<T>);

    impl<T> Receiver<T> {
        pub(crate) fn has_changed(&self) -> Result<bool, RecvError> {
            turn();
            self.0.has_changed()
        }

        pub(crate) fn mark_unchanged(&mut self) {
            turn();
            self.0.mark_unchanged();
        }

        pub(crate) async fn changed(&mut self) -> Result<(), RecvError> {
            turn();
            self.0.changed().await
        }

        pub(crate) async fn wait_for(
            &mut self,
            is_it: impl FnMut(&T) -> bool,
        ) -> Result<Ref<'_, T>, RecvError> {
            turn();
            self.0.wait_for(is_it).await
        }
    }
}

#[derive(Debug)]
pub(crate) struct Semaphore(tokio::sync::Semaphore);

impl Semaphore {
    pub(crate) fn new(permits: usize) -> Self {
        Self(tokio::sync::Semaphore::new(permits))
    }

    pub(crate) async fn acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        turn();
        self.0.acquire().await
    }

    pub(crate) fn available_permits(&self) -> usize {
        self.0.available_permits()
    }
}

#[derive(Debug)]
pub(crate) struct OnceCell<T>(tokio::sync::OnceCell<T>);

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        Self(tokio::sync::OnceCell::new())
    }
}

impl<T> OnceCell<T> {
    pub(crate) fn get(&self) -> Option<&T> {
        turn();
        self.0.get()
    }

    pub(crate) async fn get_or_init<F: Future<Output = T>>(&self, init: impl FnOnce() -> F) -> &T {
        turn();
        self.0.get_or_init(init).await
    }
}

#[derive(Debug)]
pub(crate) struct OnceLock<T>(std::sync::OnceLock<T>);

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self(std::sync::OnceLock::new())
    }
}

impl<T> OnceLock<T> {
    pub(crate) fn get(&self) -> Option<&T> {
        turn();
        self.0.get()
    }

    pub(crate) fn get_or_init(&self, init: impl FnOnce() -> T) -> &T {
        turn();
        self.0.get_or_init(init)
    }
}

pub(crate) struct Cache<K, V, W = UnitWeighter, B = DefaultHashBuilder>(
    quick_cache::sync::Cache<K, V, W, B, DefaultLifecycle<K, V>>,
);

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(quick_cache::sync::Cache::new(capacity))
    }
}

impl<K: Eq + Hash, V: Clone, B: BuildHasher + Clone> Cache<K, V, UnitWeighter, B> {
    pub(crate) fn with(
        capacity: usize,
        weight: u64,
        weighter: UnitWeighter,
        hasher: B,
        lifecycle: DefaultLifecycle<K, V>,
    ) -> Self {
        Self(quick_cache::sync::Cache::with(capacity, weight, weighter, hasher, lifecycle))
    }

    pub(crate) fn with_options(
        options: Options,
        weighter: UnitWeighter,
        hasher: B,
        lifecycle: DefaultLifecycle<K, V>,
    ) -> Self {
        Self(quick_cache::sync::Cache::with_options(options, weighter, hasher, lifecycle))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn peek<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<V> {
        turn();
        self.0.peek(key)
    }

    pub(crate) fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<V> {
        turn();
        self.0.get(key)
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        turn();
        self.0.insert(key, value);
    }

    pub(crate) fn get_or_insert_with<Q: Hash + Equivalent<K> + ToOwned<Owned = K>, E>(
        &self,
        key: &Q,
        with: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, E> {
        turn();
        self.0.get_or_insert_with(key, with)
    }

    pub(crate) fn remove_if<Q: Hash + Equivalent<K> + ?Sized>(
        &self,
        key: &Q,
        is_it: impl FnOnce(&V) -> bool,
    ) -> Option<(K, V)> {
        turn();
        self.0.remove_if(key, is_it)
    }
}
