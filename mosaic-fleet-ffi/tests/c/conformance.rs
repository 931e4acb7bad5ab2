//! The transport in `bindings/c/tests/memory_transport.c` passes the suite that every transport
//! passes. It is compiled to a shared object, which finds the library in this program.
#![allow(unsafe_code, reason = "functions in C")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::sync::OnceLock;

use async_trait::async_trait;
use libloading::{Library, Symbol};
use mosaic_fleet::testing::conformance::{AGENTS, Harness, Quirks};
use mosaic_fleet::{AgentName, DynTransport};
use mosaic_fleet_ffi::c::testing::transport_of;
use mosaic_fleet_ffi::c::transport::{mf_transport, mf_transport_free};
use mosaic_fleet_ffi::c::{reply, vtable};

use crate::sources::{package, root};
use crate::workshop::{C, Workshop};

/// What the object in C calls: named here, so that it is in this program.
#[used]
static CALLED: [Called; 10] = [
    Called(vtable::mf_transport_from_vtable as *const ()),
    Called(reply::mf_reply_receipt as *const ()),
    Called(reply::mf_reply_report as *const ()),
    Called(reply::mf_reply_agent as *const ()),
    Called(reply::mf_reply_line as *const ()),
    Called(reply::mf_reply_cursor as *const ()),
    Called(reply::mf_reply_done as *const ()),
    Called(reply::mf_reply_error as *const ()),
    Called(reply::mf_reply_agent_not_found as *const ()),
    Called(reply::mf_reply_refused as *const ()),
];

struct Called(#[expect(dead_code, reason = "it is only to be there")] *const ());

// SAFETY: an address of a function.
unsafe impl Sync for Called {}

fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let shop = Workshop::open();
        let object = shop.path("memory_transport.so");
        let header = format!("-I{}", package().join("include").display());
        let source = root().join("bindings/c/tests/memory_transport.c");
        let feature = "-D_POSIX_C_SOURCE=200809L";
        let object_path = object.to_str().unwrap();
        let options = [
            "-shared",
            "-fPIC",
            "-pthread",
            feature,
            &header,
            "-o",
            object_path,
        ];
        shop.compile(C, &[&source], &options, None);
        // SAFETY: it has no constructors; what it calls is in this program.
        unsafe { Library::new(object).unwrap() }
    })
}

/// A function of the object.
fn function<T>(name: &str) -> Symbol<'static, T> {
    // SAFETY: the types below are those of memory_transport.h.
    unsafe { library().get(name.as_bytes()).unwrap() }
}

type Open =
    unsafe extern "C" fn(*const *const c_char, usize, *mut *mut mf_transport) -> *mut c_void;
type Taken = unsafe extern "C" fn(*mut c_void, *const c_char, usize) -> *mut c_char;

/// A fleet in C.
struct InC {
    fleet: *mut c_void,
    handle: *mut mf_transport,
    transport: DynTransport,
}

// SAFETY: the fleet has a lock of its own.
unsafe impl Send for InC {}
// SAFETY: as above.
unsafe impl Sync for InC {}

impl InC {
    fn control(&self, name: &str, agent: &AgentName) {
        let agent = CString::new(agent.as_str()).unwrap();
        let control = function::<unsafe extern "C" fn(*mut c_void, *const c_char)>(name);
        // SAFETY: as `function`.
        unsafe { control(self.fleet, agent.as_ptr()) };
    }

    fn all_taken(&self, agent: &AgentName) -> Vec<String> {
        let agent = CString::new(agent.as_str()).unwrap();
        let taken = function::<Taken>("cmem_taken");
        let free = function::<unsafe extern "C" fn(*mut c_char)>("cmem_free_text");
        let mut texts = Vec::new();
        loop {
            // SAFETY: as `function`; a text that is given is ours until it is freed.
            unsafe {
                let text = taken(self.fleet, agent.as_ptr(), texts.len());
                if text.is_null() {
                    return texts;
                }
                texts.push(CStr::from_ptr(text).to_str().unwrap().to_owned());
                free(text);
            }
        }
    }
}

impl Drop for InC {
    fn drop(&mut self) {
        // SAFETY: as `function`; nothing uses them any more.
        unsafe {
            mf_transport_free(self.handle);
            function::<unsafe extern "C" fn(*mut c_void)>("cmem_release")(self.fleet);
        }
    }
}

#[async_trait]
impl Harness for InC {
    async fn start() -> Self {
        let names = AGENTS.map(|name| CString::new(name).unwrap());
        let names = [0, 1, 2, 3].map(|at: usize| names[at].as_ptr());
        let mut handle = ptr::null_mut();
        // SAFETY: as `function`.
        let fleet = unsafe { function::<Open>("cmem_open")(names.as_ptr(), 4, &raw mut handle) };
        let transport = transport_of(handle).unwrap();
        InC {
            fleet,
            handle,
            transport,
        }
    }
    fn transport(&self) -> DynTransport {
        self.transport.clone()
    }
    async fn taken(&self, agent: &AgentName) -> Vec<String> {
        self.all_taken(agent)
    }
    async fn kill_agent(&self, agent: &AgentName) {
        self.control("cmem_kill", agent);
    }
    async fn make_busy(&self, agent: &AgentName) -> bool {
        self.control("cmem_make_busy", agent);
        true
    }
    async fn finish_turn(&self, agent: &AgentName) {
        self.control("cmem_finish_turn", agent);
    }
    async fn break_backend(&self) {
        let control = function::<unsafe extern "C" fn(*mut c_void)>("cmem_break");
        // SAFETY: as `function`.
        unsafe { control(self.fleet) };
    }
    fn quirks(&self) -> Quirks {
        Quirks::new()
            .with_exact_text(true)
            // It has no questions, and does not claim to answer any.
            .with_not_applicable(["answer_takes_the_choice_and_no_other"])
    }
}

mosaic_fleet::transport_conformance_tests!(InC);
