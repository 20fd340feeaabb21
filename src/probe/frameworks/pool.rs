//! Several looks side by side: as many as the machine has cores and memory for.
//!
//! Invariant: the results come in the order of the questions, whoever answers first.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// Memory that a Python with a framework may take, in bytes: TensorFlow with a context of CUDA has about two gigabytes.
const OF_ONE: u64 = 2 << 30;
/// Most at once, however large the machine.
const MOST: usize = 8;
/// Most at once on a GPU. The context and the libraries of a framework take half a gigabyte to one of its memory, which
/// is not ours: beside somebody's training eight would leave it none.
const MOST_ON_GPU: usize = 2;

/// How many Pythons may run at once; fewer where they come to a GPU.
pub(crate) fn width(on_gpu: bool) -> usize {
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let available = System::new_with_specifics(memory).map_or(0, |system| {
        let free = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
        system.available_memory().min(free)
    });
    let cores = thread::available_parallelism().map_or(1, usize::from);
    fits(cores, available, if on_gpu { MOST_ON_GPU } else { MOST })
}

fn fits(cores: usize, memory: u64, most: usize) -> usize {
    let by_memory = usize::try_from(memory / OF_ONE).unwrap_or(most);
    cores.min(by_memory).clamp(1, most)
}

/// Asks each, `width` at a time. One whose asking panicked is left out.
pub(crate) fn each<T: Sync, R: Send>(
    questions: &[T],
    width: usize,
    ask: impl Fn(&T) -> R + Sync,
) -> Vec<Option<R>> {
    let next = AtomicUsize::new(0);
    let mut answers: Vec<(usize, R)> = thread::scope(|scope| {
        let work = || {
            let mut own = Vec::new();
            while let Some((index, question)) = at(questions, next.fetch_add(1, Ordering::Relaxed)) {
                // A panic of ours costs one answer.
                own.extend(
                    catch_unwind(AssertUnwindSafe(|| ask(question))).ok().map(|answer| (index, answer)),
                );
            }
            own
        };
        let threads: Vec<_> = (0..width.min(questions.len())).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
    });
    answers.sort_by_key(|(index, _)| *index);
    let mut answers = answers.into_iter().peekable();
    (0..questions.len())
        .map(|index| answers.next_if(|(of, _)| *of == index).map(|(_, answer)| answer))
        .collect()
}

fn at<T>(questions: &[T], index: usize) -> Option<(usize, &T)> {
    questions.get(index).map(|question| (index, question))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn answers_keep_the_order_of_the_questions() {
        let questions: Vec<u64> = (0..20).rev().collect();
        let slowly = |question: &u64| {
            thread::sleep(Duration::from_millis(*question));
            *question
        };
        assert_eq!(each(&questions, 7, slowly), questions.iter().copied().map(Some).collect::<Vec<_>>());
        assert_eq!(each(&[], 7, slowly), []);
    }

    #[test]
    fn they_are_asked_side_by_side_and_no_more_at_once_than_wanted() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let start = Instant::now();
        each(&[(); 6], 3, |()| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(100));
            now.fetch_sub(1, Ordering::SeqCst);
        });
        assert_eq!(most.into_inner(), 3);
        assert!(start.elapsed() < Duration::from_millis(550), "{:?}", start.elapsed());
    }

    #[test]
    fn a_panic_costs_one_answer() {
        let answers = each(&[1, 2, 3], 1, |question| {
            assert_ne!(*question, 2, "on purpose");
            *question
        });
        assert_eq!(answers, [Some(1), None, Some(3)]);
    }

    #[test]
    fn a_small_machine_asks_one_at_a_time() {
        for (cores, gigabytes, width) in [(2, 24, 2), (16, 5, 2), (4, 1, 1), (0, 0, 1), (64, 512, 8)] {
            assert_eq!(fits(cores, gigabytes << 30, MOST), width, "{cores} cores, {gigabytes} GiB");
        }
    }

    #[test]
    fn a_gpu_is_left_to_whoever_works_on_it() {
        for (cores, gigabytes, width) in [(64, 512, 2), (16, 5, 2), (4, 1, 1)] {
            assert_eq!(fits(cores, gigabytes << 30, MOST_ON_GPU), width, "{cores} cores, {gigabytes} GiB");
        }
        assert!((1..=MOST_ON_GPU).contains(&width(true)));
    }
}
