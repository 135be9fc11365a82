//! A login that the gateway answers itself. In: a name and a password, or a token that an earlier login gave. Out: the
//! token of that party and what is known of it, or the refusal. Passwords are compared, never logged and never kept.

use crate::auth::{Presented, Principal};
use crate::dialect::Op;
use crate::event::{Event, EventKind, Field, Fields, Party, Value};
use crate::fault::{Fault, Reason};

use super::asked::{Asked, is_for};

/// Answers a login or the renewal of its token.
pub async fn answer(asked: &Asked<'_>, fields: &Fields<'_>) -> Result<Fields<'static>, Fault> {
    let (principal, token) = match asked.call.op {
        Op::Refresh => {
            let token = fields.text(Field::LoginRefresh).ok_or_else(|| Fault::missing(Field::LoginRefresh))?;
            let presented = Presented { token: Some(token), ..Presented::default() };
            (asked.route.verifier.verify(&presented).await?, token.to_owned())
        }
        _ => {
            let name = fields.text(Field::LoginName).ok_or_else(|| Fault::missing(Field::LoginName))?;
            let password = fields.text(Field::LoginPassword).ok_or_else(|| Fault::missing(Field::LoginPassword))?;
            asked.route.verifier.login(name, password)?
        }
    };
    if !is_for(asked.call, &principal) {
        // No other words than for a wrong password: that it was right is nobody's business here.
        return Err(Fault::new(Reason::Unauthorized).detail("somebody of another role logs in elsewhere"));
    }
    let mut answer = known(&principal).fields().into_owned();
    let departments = serde_json::Value::from(principal.departments.clone());
    answer.set(Field::SenderDepartments, Value::Json(departments.to_string().into()));
    answer.set_text(Field::LoginAccess, token.clone());
    answer.set_text(Field::LoginRefresh, token);
    if let Some(name) = fields.text(Field::LoginName) {
        answer.set_text(Field::LoginName, name.to_owned());
    }
    asked.route.naming.rename(&asked.route.dialect, &mut answer).await?;
    Ok(answer)
}

/// A party as fields name it.
fn known(principal: &Principal) -> Event {
    let mut event = Event::new(EventKind::Presence);
    event.details.sender =
        Party { id: principal.id.to_string(), role: principal.role, name: principal.name.clone(), ..Party::default() };
    event.details.conversation.business.clone_from(&principal.business);
    event
}
