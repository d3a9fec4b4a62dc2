//! Messages of gRPC: a byte that says whether they are compressed, their length, and what they are, here a
//! google.protobuf.StringValue.

/// Puts the five bytes in front of a message.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let mut out = vec![0];
    out.extend((message.len() as u32).to_be_bytes());
    out.extend(message);
    out
}

/// Takes the first message out of what has been received, if all of it has.
pub fn take(received: &mut Vec<u8>) -> Option<Vec<u8>> {
    let head: [u8; 4] = received.get(1..5)?.try_into().ok()?;
    let end = 5 + u32::from_be_bytes(head) as usize;
    if received.len() < end {
        return None;
    }
    let message = received[5..end].to_vec();
    received.drain(..end);
    Some(message)
}

/// The message with a text.
pub fn of_text(text: &str) -> Vec<u8> {
    let mut out = vec![0x0a];
    let mut length = text.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend(text.as_bytes());
    out
}

/// The text of a message; it is empty if the message is.
pub fn text_of(message: &[u8]) -> String {
    let Some(rest) = message.strip_prefix(&[0x0a]) else {
        return String::new();
    };
    let length = rest.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
    String::from_utf8_lossy(&rest[length..]).into_owned()
}
