//! Tar archives of what a fuzzer makes up: headers hold their own sum, which no fuzzer guesses.

/// The archive of lines such as `f usr/bin/python3 content` and `l bin/python ../usr/bin/python3`. Content behind a `%` is the lines of an
/// archive in it.
pub fn of_lines(lines: &[u8]) -> Vec<u8> {
    let mut archive = Vec::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let (kind, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        // A content's own lines are behind vertical tabs.
        let content: Vec<u8> = words.next().unwrap_or_default().to_vec();
        let content: Vec<u8> = content.into_iter().map(|byte| if byte == 0x0b { b'\n' } else { byte }).collect();
        match kind.first() {
            Some(b'l') => header(&mut archive, b'2', name, &content, 0),
            Some(b'h') => header(&mut archive, b'1', name, &content, 0),
            Some(b'd') => header(&mut archive, b'5', name, b"", 0),
            Some(b'f') => match content.strip_prefix(b"%") {
                Some(lines) => file(&mut archive, b'0', name, &of_lines(lines)),
                None => file(&mut archive, b'0', name, &content),
            },
            Some(b'x') => file(&mut archive, b'x', name, &content),
            Some(b'L') => file(&mut archive, b'L', name, &content),
            Some(other) => file(&mut archive, *other, name, &content),
            None => {}
        }
    }
    archive.extend([0; 1024]);
    archive
}

fn file(archive: &mut Vec<u8>, kind: u8, name: &[u8], content: &[u8]) {
    header(archive, kind, name, b"", content.len());
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(512), 0);
}

fn header(archive: &mut Vec<u8>, kind: u8, name: &[u8], link: &[u8], size: usize) {
    let mut header = [0; 512];
    let mut put = |at: usize, most: usize, bytes: &[u8]| {
        let bytes = &bytes[..bytes.len().min(most)];
        header[at..at + bytes.len()].copy_from_slice(bytes);
    };
    put(0, 100, name);
    put(100, 8, b"0000755\0");
    put(108, 8, b"0000000\0");
    put(116, 8, b"0000000\0");
    put(124, 12, format!("{size:011o}\0").as_bytes());
    put(156, 1, &[kind]);
    put(157, 100, link);
    put(257, 8, b"ustar\x0000");
    put(148, 8, b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    archive.extend(header);
}
