//! What is said of a frame's way, for people. In: the object that programs get. Out: lines.

use serde_json::Value as Json;

pub(super) fn of(explained: &Json) -> String {
    let word = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Json| value.as_array().into_iter().flatten().map(&word).collect::<Vec<_>>().join(", ");
    let mut out = format!("said on {}, in {}\n", word(&explained["route"]), word(&explained["dialect"]));
    for shape in explained["shapes"].as_array().into_iter().flatten() {
        let sign = if shape["is_it"] == true { "✓" } else { "·" };
        let why = shape["why"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
        out.push_str(&format!("  {sign} {} {}{why}\n", word(&shape["place"]), word(&shape["frame"])));
    }
    if let Some(refused) = explained.get("refused") {
        out.push_str(&format!("\nrefused ({}): {}\n", word(&refused["reason"]), word(&refused["words"])));
        return out;
    }
    if let Some(asks) = explained.get("asks") {
        out.push_str(&format!("\nno message: it asks for `{}`, which a running gateway answers\n", word(asks)));
        return out;
    }
    out.push_str(&format!("\nevent {}\n  {}\n", word(&explained["kind"]), explained["event"]));
    for heard in explained["heard"].as_array().into_iter().flatten() {
        if let Some(why) = heard["why"].as_str() {
            out.push_str(&format!("\n{}: nothing: {why}\n", word(&heard["dialect"])));
            continue;
        }
        out.push_str(&format!("\n{}: {}\n", word(&heard["dialect"]), word(&heard["form"])));
        for frame in heard["frames"].as_array().into_iter().flatten() {
            out.push_str(&format!("  {frame}\n"));
        }
        for (key, title) in [("degraded", "went as text"), ("lost", "lost"), ("made_up", "examples here")] {
            let names = list(&heard[key]);
            if !names.is_empty() {
                out.push_str(&format!("  {title}: {names}\n"));
            }
        }
    }
    out
}
