//! The layout of every struct that C writes or reads is what is committed, in Rust and in C alike.

use std::fmt::Write;
use std::fs;
use std::mem::offset_of;

use crate::sources::package;
use crate::workshop::{C, CPP, Workshop};

const FILE: &str = "abi/layout.txt";

/// A struct's size and alignment, and where its fields are.
struct Layout {
    name: &'static str,
    size: usize,
    align: usize,
    fields: Vec<(&'static str, usize)>,
}

macro_rules! layouts {
    ($($module:ident::$name:ident { $($field:ident),* $(,)? })*) => {
        vec![$({
            use mosaic_fleet_ffi::c::$module::$name;
            Layout {
                name: stringify!($name),
                size: size_of::<$name>(),
                align: align_of::<$name>(),
                fields: vec![$((stringify!($field), offset_of!($name, $field))),*],
            }
        }),*]
    };
}

fn layouts() -> Vec<Layout> {
    layouts! {
        fields::mf_agent_fields { struct_size, name, evidence, runtime, host, question, waiting_for, state, reserved }
        asynchronous::mf_answer_callback { struct_size, context, call, drop, news }
        vtable::mf_answer_request { struct_size, agent, expect, timeout_ms, choice, reserved }
        options::mf_fleet_options { struct_size, roster, roster_text, instance, environment, one_shot, reserved }
        vtable::mf_list_request { struct_size, timeout_ms, composer, reserved }
        vtable::mf_outcome_request { struct_size, receipt, timeout_ms }
        asynchronous::mf_receipt_callback { struct_size, context, call, drop }
        fields::mf_receipt_fields { struct_size, id, agent, detail, verdict, evidence, attempts, reserved }
        fields::mf_report_fields { struct_size, command, question, answer, detail, evidence, reserved }
        options::mf_reset_options { struct_size, kickstart, timeout_ms, mode, force }
        vtable::mf_reset_request { struct_size, agent, timeout_ms, mode, force }
        options::mf_send_options { struct_size, from, idempotency_key, timeout_ms, wait_ms, key_repeats, allow_command, strip_control, preamble }
        vtable::mf_send_request { struct_size, agent, text, text_length, from, idempotency_key, timeout_ms, wait_ms, key_repeats, allow_command }
        options::mf_status_options { struct_size, quick, reserved }
        vtable::mf_status_request { struct_size, agent, timeout_ms, wait_ms, changed_from, reserved }
        options::mf_tail_options { struct_size, cursor, lines, wait_ms, timeout_ms, escapes, reserved }
        vtable::mf_tail_request { struct_size, agent, cursor, lines, timeout_ms, wait_ms, escapes, reserved }
        vtable::mf_transport_vtable { struct_size, abi_version, capabilities, max_message_bytes, confirm, reserved, scheme, instance, drop, send, reset, status, tail, list, answer, outcome, close }
    }
}

#[test]
fn no_struct_or_field_is_forgotten() {
    let known = layouts().into_iter().map(|layout| {
        let fields = layout.fields.into_iter().map(|field| field.0.to_owned());
        (layout.name.to_owned(), fields.collect())
    });
    let known: Vec<(String, Vec<String>)> = known.collect();
    assert_eq!(known, crate::sources::structs());
}

#[test]
fn the_layouts_are_the_committed_ones() {
    assert_eq!(usize::BITS, 64, "{FILE} is about 64 bits");
    let mut text = String::new();
    for layout in layouts() {
        let Layout {
            name, size, align, ..
        } = layout;
        writeln!(text, "{name} size {size} align {align}").unwrap();
        for (field, offset) in layout.fields {
            writeln!(text, "  {field} {offset}").unwrap();
        }
    }
    let file = package().join(FILE);
    if std::env::var_os("UPDATE_ABI").is_some() {
        fs::write(&file, &text).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        committed, text,
        "{FILE}: fields are only added, at the end; then UPDATE_ABI=1 writes it"
    );
}

/// The header, as a compiler of C reads it, puts the fields where Rust has them.
#[test]
fn c_and_cpp_see_the_same_layouts() {
    let shop = Workshop::open();
    for (language, word) in [(C, "_Static_assert"), (CPP, "static_assert")] {
        let mut text = "#include <mosaic_fleet.h>\n".to_owned();
        for layout in layouts() {
            let (name, size) = (layout.name, layout.size);
            writeln!(text, "{word}(sizeof({name}) == {size}, \"{name}\");").unwrap();
            for (field, offset) in layout.fields {
                let place = format!("offsetof({name}, {field}) == {offset}");
                writeln!(text, "{word}({place}, \"{name}.{field}\");").unwrap();
            }
        }
        text.push_str("int main(void) { return 0; }\n");
        let file = shop.write(&format!("layout.{}", language.ending), &text);
        let header = format!("-I{}", package().join("include").display());
        shop.compile(language, &[&file], &["-fsyntax-only", &header], None);
    }
}
